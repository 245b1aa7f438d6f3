"""Calls to a merchant's address: what is refused, and what arrives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest
from aiohttp import web

from tallystick.domain.destination import check_address, destination
from tallystick.domain.errors import AddressRefused, NotReached
from tallystick.outbound import LARGEST_REPLY, post

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
INWARD = [
    "127.0.0.1", "127.8.9.1", "0.0.0.7", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "fe80::1", "fc00::1",
    "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "::7f00:1",
]  # fmt: skip


async def accept(_: web.Request) -> web.Response:
    return web.Response(text="thank you")


@asynccontextmanager
async def listening(answer: Answer = accept) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A merchant's server on this machine; its address, and the bodies that it got."""
    got: list[bytes] = []

    async def take(request: web.Request) -> web.StreamResponse:
        got.append(await request.read())
        return await answer(request)

    app = web.Application()
    app.router.add_post("/{any:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}", got
    finally:
        await runner.cleanup()


def leads_to(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    async def lookup(host: str, port: int) -> list[str]:
        return list(addresses)

    return lookup


OUR_OWN = {"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"}


@pytest.mark.parametrize("address", INWARD)
def test_what_is_not_on_the_public_internet_is_not_called(address: str):
    with pytest.raises(AddressRefused):
        check_address(ip_address(address), allow_loopback=False)


@pytest.mark.parametrize("address", [one for one in INWARD if one not in OUR_OWN])
def test_a_development_server_calls_nothing_private_but_its_own_machine(address: str):
    with pytest.raises(AddressRefused):
        check_address(ip_address(address), allow_loopback=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_called(address: str):
    check_address(ip_address(address), allow_loopback=False)


async def test_a_name_with_one_foot_in_a_private_network_is_not_called_at_its_other_foot():
    with pytest.raises(AddressRefused):
        await post("https://shop.example/cb", {}, b"", allow_loopback=False, timeout_s=0.2,
                   lookup=leads_to("8.8.8.8", "10.0.0.5"))  # fmt: skip


@pytest.mark.parametrize("url", [
    "http://shop.example/cb", "ftp://shop.example/", "https:///cb", "//shop.example", "shop", "",
    "https://user@shop.example/", "https://user:pass@shop.example/", "https://shop.example:22/",
    "https://shop.example:0/", "https://shop.example:99999/", "https://127.0.0.1/",
    "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/",
    "https://localhost/", "https://api.localhost./", "https://169.254.169.254/latest/meta-data",
    "https://shop.example\\@127.0.0.1/", "https://127%2e0.0.1/", "https://shop.example /",
    "https://１２７.0.0.1/", "https://[::1", "https://shop.example/" + "x" * 2000,
])  # fmt: skip
def test_an_address_of_the_wrong_form_is_refused_at_once(url: str):
    with pytest.raises(AddressRefused):
        destination(url, allow_loopback=False)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
async def test_other_spellings_of_this_machine_are_seen_through(host: str):
    with pytest.raises((AddressRefused, NotReached)):
        await post(f"https://{host}/", {}, b"", allow_loopback=False)


async def test_the_checked_address_is_called_whatever_the_name_leads_to_later():
    asked = 0

    async def rebinding(host: str, port: int) -> list[str]:
        nonlocal asked
        asked += 1
        return ["127.0.0.1"] if asked == 1 else ["169.254.169.254"]

    async with listening() as (url, got):
        port = url.rpartition(":")[2]
        reply = await post(f"http://shop.example:{port}/cb", {"x-a": "b"}, b"{}",
                           allow_loopback=True, lookup=rebinding)  # fmt: skip

    assert (reply.status, reply.body, asked, got) == (200, b"thank you", 1, [b"{}"])


async def test_a_redirect_is_an_answer_and_not_followed():
    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"location": "/second"})

    async with listening(elsewhere) as (url, got):
        reply = await post(url, {}, b"once", allow_loopback=True)

    assert reply.status == 307
    assert not reply.accepted
    assert got == [b"once"]


async def test_of_a_long_answer_only_the_beginning_is_read():
    async def flood(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(8):
            await answer.write(b"x" * LARGEST_REPLY)
        return answer

    async with listening(flood) as (url, _):
        reply = await post(url, {}, b"", allow_loopback=True)

    assert len(reply.body) == LARGEST_REPLY


async def test_nobody_is_waited_for_longer_than_said():
    silent = asyncio.Event()

    async def never(request: web.Request) -> web.Response:
        await silent.wait()
        return web.Response()

    async with listening(never) as (url, _):
        with pytest.raises(NotReached):
            await post(url, {}, b"", allow_loopback=True, timeout_s=0.2)
        silent.set()


async def test_a_closed_port_is_not_reached():
    async with listening() as (url, _):
        closed = url
    with pytest.raises(NotReached):
        await post(closed, {}, b"", allow_loopback=True)
