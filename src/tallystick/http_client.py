"""Our own HTTP calls: one way to make a session, and to read no more of an answer than we want."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp


def new_session(
    timeout_s: float | None, connector: "aiohttp.BaseConnector | None" = None
) -> "aiohttp.ClientSession":
    """A session that keeps no cookies and reads no proxy from the environment.

    Made inside a running event loop; whoever makes it closes it. Connecting takes at most five
    seconds of the time. None for whoever keeps the time of the whole call.
    """
    # Imported with the first call, because it makes a tenth of the time to start.
    import aiohttp

    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(
            total=timeout_s, sock_connect=None if timeout_s is None else min(5.0, timeout_s)
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def beginning(response: "aiohttp.ClientResponse", limit: int) -> bytes:
    """The first bytes of an answer, at most so many."""
    found = b""
    while len(found) < limit:
        part = await response.content.read(limit - len(found))
        if not part:
            break
        found += part
    return found
