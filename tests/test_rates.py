"""The live source of exchange rates: what is believed, and how long anybody waits."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from tallystick.rates import LiveSource, SourceSilent, read


@pytest.mark.parametrize(
    "body",
    [
        '{"base": "USD", "rates": {"VND": 25412.37, "USD": 1}}',
        '{"result": "success", "base_code": "USD", "rates": {"USD": 1, "VND": 25412.37}}',
        '{"base_code": "USD", "conversion_rates": {"USD": 1, "VND": "25412.370"}}',
        '{"base": "USD", "rates": {"VND": 25412.37, "USD": 1, "DOGE": 4, "XAU": 0.0004}}',
    ],
)
def test_the_usual_sources_are_understood_to_the_last_digit(body):
    found = read(body.encode())

    assert (found["VND"], found["USD"]) == (Decimal("25412.37"), Decimal(1))
    assert "DOGE" not in found


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "{}", "<html>", '{"rates": []}', '{"base": "USD", "rates": {}}',
        '{"base": "EUR", "rates": {"VND": 27000}}', '{"rates": {"USD": 1.09, "VND": 27000}}',
        '{"base": "USD", "rates": {"VND": -1}}', '{"base": "USD", "rates": {"VND": 0}}',
        '{"base": "USD", "rates": {"VND": null}}', '{"base": "USD", "rates": {"VND": true}}',
        '{"base": "USD", "rates": {"VND": "many"}}', '{"base": "USD", "rates": {"VND": NaN}}',
        '{"base": "USD", "rates": {"VND": 1e99}}',
        '{"base": "USD", "rates": {"VND": 1, "VND": 25000}}',
    ],
)  # fmt: skip
def test_what_cannot_be_trusted_is_no_answer(body):
    with pytest.raises(SourceSilent):
        read(body.encode())


@asynccontextmanager
async def serving(answer: bytes):
    """A source on a port of its own that says this, or nothing at all."""
    over = asyncio.Event()

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if not answer:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/latest"
    finally:
        over.set()
        server.close()


def http(status: str, body: bytes, *more: bytes) -> bytes:
    """One answer."""
    head = [b"HTTP/1.1 " + status.encode(), b"content-length: %d" % len(body), *more]
    return b"\r\n".join([*head, b"", body])


async def test_the_source_is_asked_over_http():
    body = b'{"base": "USD", "rates": {"VND": 25412.37}}'

    async with serving(http("200 OK", body)) as url:
        assert await LiveSource(url).ask() == {"VND": Decimal("25412.37")}


@pytest.mark.parametrize(
    "answer",
    [
        http("500 Internal Server Error", b"{}"),
        http("302 Found", b"", b"location: http://127.0.0.1:1/elsewhere"),
        http("200 OK", b"x" * 300_000),
        b"",
    ],
    ids=["failing", "redirecting", "endless", "hanging"],
)
async def test_a_source_that_does_not_answer_well_is_silent(answer):
    async with serving(answer) as url:
        with pytest.raises(SourceSilent):
            await LiveSource(url, patience_s=0.3).ask()


async def test_a_source_that_is_not_there_is_silent():
    with pytest.raises(SourceSilent):
        await LiveSource("http://127.0.0.1:1/").ask()
