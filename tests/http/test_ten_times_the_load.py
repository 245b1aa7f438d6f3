"""Far more asks at once than a server can grant: it sends some away, loses nothing, and goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.http.shop import Shop, eventually

CALLERS = 150
"""Each with a connection of its own; the database has ten."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer."""

    status: int
    headers: dict[str, str]
    json: Any


async def crowd(shop: Shop, known: str) -> tuple[list[Heard], list[Heard], list[Heard]]:
    """All at once somebody sells, somebody reads, and an operator looks whether all is well."""
    url, key = shop.server.url, {"authorization": f"Bearer {shop.server.secret_key}"}
    start = asyncio.Event()
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    patience = aiohttp.ClientTimeout(total=None)

    async with aiohttp.ClientSession(url, connector=connector, timeout=patience) as session:

        async def ask(method: str, path: str, **words: Any) -> Heard:
            await start.wait()
            async with session.request(method, path, **words) as answer:
                named = {name.lower(): value for name, value in answer.headers.items()}
                return Heard(answer.status, named, await answer.json())

        def sell(number: int) -> Any:
            wish = {"amount": 50_000, "currency": "VND", "gateway": "sepay",
                    "reference": f"crowd-{number}"}  # fmt: skip
            once = {**key, "idempotency-key": f"crowd-{number}"}
            return ask("POST", "/api/payments", json=wish, headers=once)

        selling = [sell(number) for number in range(CALLERS)]
        reading = [ask("GET", f"/api/payments/{known}", headers=key) for _ in range(CALLERS)]
        looking = [ask("GET", "/health/live") for _ in range(CALLERS // 10)]
        asked = asyncio.gather(*selling, *reading, *looking)
        await asyncio.sleep(0)
        start.set()
        told = await asyncio.wait_for(asked, None)
    return told[:CALLERS], told[CALLERS : 2 * CALLERS], told[2 * CALLERS :]


def test_a_crowd_beyond_all_limits_is_served_or_sent_away_and_nothing_is_lost(shop: Shop):
    known = shop.payment(gateway="sepay")

    sold, read, looked = asyncio.run(crowd(shop, known.id))

    assert {one.status for one in sold} <= {201, 503}
    assert {one.status for one in read} <= {200, 503}
    assert {one.status for one in looked} == {200}
    away = [one for one in (*sold, *read) if one.status == 503]
    assert all(int(one.headers["retry-after"]) > 0 for one in away)
    assert {one.json["code"] for one in away} <= {"unavailable"}
    made = {one.json["data"]["id"] for one in sold if one.status == 201}
    there = shop.rows("SELECT id FROM payments WHERE reference LIKE 'crowd-%'")
    assert made <= {row[0] for row in there}
    # Whoever was sent away comes again with the same key, and has sold once.
    for number in range(CALLERS):
        comes_again(shop, number, sold[number])
    there = shop.rows("SELECT id FROM payments WHERE reference LIKE 'crowd-%'")
    assert len(there) == CALLERS
    known.act("pay")
    known.becomes("paid")
    assert shop.get("/health/ready").json["status"] == "ok"
    shop.audit()


def comes_again(shop: Shop, number: int, first: Heard) -> None:
    """The same request once more, until it is granted; the answer of one that was is the same."""
    wish = {"amount": 50_000, "currency": "VND", "gateway": "sepay",
            "reference": f"crowd-{number}"}  # fmt: skip
    answer = eventually(
        lambda: shop.post("/api/payments", json=wish,
                          headers={"idempotency-key": f"crowd-{number}"}),
        lambda seen: seen.status == 201,
    )  # fmt: skip
    if first.status == 201:
        assert answer.data["id"] == first.json["data"]["id"]
