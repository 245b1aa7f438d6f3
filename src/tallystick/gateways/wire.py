"""Our own HTTP connection to the gateways, with limits, and with its errors translated."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from tallystick.domain.clocks import GatewayClocks
from tallystick.domain.errors import GatewayUnreachable
from tallystick.gateways.base import Reply
from tallystick.http_client import beginning, new_session

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S: Final = 10.0
LARGEST_REPLY: Final = 1_048_576


class HttpWire:
    """One pooled client for all gateways. Opens with the first request, closed by `close`.

    Each answer says what time it is over there (`Date`, RFC 9110 section 6.6.1): `clocks` keeps it.
    """

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self.clocks = GatewayClocks()
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """One request, one answer. Redirects are not followed. Raises GatewayUnreachable."""
        # Imported with the first request, because it makes a tenth of the time to start.
        import aiohttp

        if self._session is None:
            self._session = new_session(self._timeout_s)
        try:
            asked = time.time()
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as response:
                self._note_time(response, asked)
                content = await beginning(response, LARGEST_REPLY + 1)
                if len(content) > LARGEST_REPLY:
                    raise GatewayUnreachable("The gateway's answer is larger than we read.")
                return Reply(response.status, content, dict(response.headers))
        except aiohttp.ClientConnectorError as error:
            raise GatewayUnreachable("The gateway cannot be connected to.", sent=False) from error
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise GatewayUnreachable(
                f"The gateway gave no usable answer ({type(error).__name__})."
            ) from error

    def _note_time(self, response: "aiohttp.ClientResponse", asked: float) -> None:
        """The gateway wrote its time at some moment between our question and this answer."""
        middle = (asked + time.time()) / 2
        try:
            theirs = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError):
            self.clocks.timeless = True
        else:
            if theirs.tzinfo is not None:
                ours = datetime.fromtimestamp(middle, UTC)
                self.clocks.note(response.url.host or "", theirs, ours)

    async def close(self) -> None:
        """Let go of the pooled connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
