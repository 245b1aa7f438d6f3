"""Our own HTTP connection to the gateways, with limits, and with its errors translated."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from tallystick.domain.errors import GatewayUnreachable
from tallystick.gateways.base import Reply

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S: Final = 10.0
LARGEST_REPLY: Final = 1_048_576


class HttpWire:
    """One pooled client for all gateways. Opens with the first request, closed by `close`."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """One request, one answer. Redirects are not followed. Raises GatewayUnreachable."""
        # Imported with the first request, because it makes a tenth of the time to start.
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(
                total=self._timeout_s, sock_connect=min(5.0, self._timeout_s)
            )
            self._session = aiohttp.ClientSession(
                timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as response:
                content = await _read_within(response, LARGEST_REPLY)
                return Reply(response.status, content, dict(response.headers))
        except aiohttp.ClientConnectorError as error:
            raise GatewayUnreachable("The gateway cannot be connected to.", sent=False) from error
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise GatewayUnreachable(
                f"The gateway gave no usable answer ({type(error).__name__})."
            ) from error

    async def close(self) -> None:
        """Let go of the pooled connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _read_within(response: "aiohttp.ClientResponse", limit: int) -> bytes:
    content = await response.content.read(limit + 1)
    parts = [content]
    size = len(content)
    while content and size <= limit:
        content = await response.content.read(limit + 1 - size)
        parts.append(content)
        size += len(content)
    if size > limit:
        raise GatewayUnreachable("The gateway's answer is larger than we read.")
    return b"".join(parts)
