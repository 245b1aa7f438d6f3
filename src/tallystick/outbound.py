"""Calls to addresses of a merchant's choice, which never reach into our own network."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tallystick.domain.destination import Destination, check_address, destination
from tallystick.domain.errors import AddressRefused, NotReached
from tallystick.http_client import beginning, new_session

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import ResolveResult

LARGEST_REPLY: Final = 65_536
"""What is read of an answer; the rest is left unread."""

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered. `body` is at most its first 64 kB."""

    status: int
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether it said 2xx. A redirect is not followed, and is no acceptance."""
        return 200 <= self.status < 300


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, as the system's resolver knows them. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allow_loopback: bool,
    timeout_s: float = 15.0,
    lookup: Lookup = resolve,
) -> Reply:
    """Send once. The host is resolved once, all its addresses are checked, and one is called.

    Redirects are not followed; an environment's proxy is not used. `allow_loopback` is for a
    development server alone. Raises AddressRefused where it must not be called, NotReached where
    no answer came within `timeout_s`.
    """
    goal = destination(url, allow_loopback=allow_loopback)
    try:
        async with asyncio.timeout(timeout_s):
            addresses = await _checked(goal, lookup, allow_loopback=allow_loopback)
            return await _send(url, headers, body, addresses)
    except TimeoutError as error:
        raise NotReached(f"{goal.host} did not answer within {timeout_s:g} s.") from error


async def _checked(goal: Destination, lookup: Lookup, *, allow_loopback: bool) -> list[str]:
    try:
        addresses = await lookup(goal.host, goal.port)
    except (OSError, UnicodeError) as error:
        raise NotReached(f"{goal.host} has no address that can be found.") from error
    if not addresses:
        raise NotReached(f"{goal.host} has no address that can be found.")
    # All of them: a host with one foot in our network is not called at its other foot either.
    for address in addresses:
        check_address(ipaddress.ip_address(address), allow_loopback=allow_loopback)
    return list(addresses)


async def _send(
    url: str, headers: Mapping[str, str], body: bytes, addresses: Sequence[str]
) -> Reply:
    # Imported with the first call, because it makes a tenth of the time to start.
    import aiohttp

    session = new_session(None, _pinned(addresses))
    try:
        async with (
            session,
            session.post(url, headers=headers, data=body, allow_redirects=False) as response,
        ):
            return Reply(response.status, await beginning(response, LARGEST_REPLY))
    except (aiohttp.ClientError, ValueError, OSError) as error:
        raise NotReached(f"The call was not answered ({type(error).__name__}).") from error


def _pinned(addresses: Sequence[str]) -> "aiohttp.TCPConnector":
    """Connects to the checked addresses and to nothing else, whatever a second look-up says."""
    import aiohttp
    from aiohttp.abc import AbstractResolver

    allowed = {ipaddress.ip_address(address) for address in addresses}

    class Pinned(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> "list[ResolveResult]":
            return [_entry(host, port, address) for address in addresses]

        async def close(self) -> None:
            return

    def open_socket(info: Any) -> socket.socket:
        if ipaddress.ip_address(info[4][0]) not in allowed:
            raise AddressRefused("A connection went to an address that was not checked.")
        opened = socket.socket(info[0], info[1], info[2])
        opened.setblocking(False)
        return opened

    return aiohttp.TCPConnector(
        resolver=Pinned(), socket_factory=open_socket, force_close=True, use_dns_cache=False
    )


def _entry(host: str, port: int, address: str) -> "ResolveResult":
    is_v6 = ipaddress.ip_address(address).version == 6
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": socket.AF_INET6 if is_v6 else socket.AF_INET,
        "proto": socket.IPPROTO_TCP,
        "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    }
