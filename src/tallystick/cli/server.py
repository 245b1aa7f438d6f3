"""A running hub as a command talks to it: HTTP, strict about answers, with a limit on waits."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tallystick.cli.dev_keys import kept_by_dev
from tallystick.domain.errors import HubError, Invalid, NotConfigured, Refused, Unavailable

if TYPE_CHECKING:
    from tallystick.settings import Settings

TIMEOUT_S: Final = 30.0
# Heartbeats come every 15 s; nothing for this long is a dead connection.
SILENCE_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a stream."""

    name: str
    data: str
    id: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes
    headers: dict[str, str]

    def document(self) -> dict[str, Any]:
        """The JSON object. Raises Refused with the server's own words where it is a problem."""
        try:
            read = json.loads(self.body)
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise Refused(f"The server's answer is not one of Tallystick's (HTTP {self.status}).")
        if self.status >= 400:
            raise Refused(str(read.get("detail") or read))
        return read


class ServerClient:
    """One server, with or without a secret key."""

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Invalid(f"{url!r} is not the address of a server, such as http://127.0.0.1:8787.")
        self.url = url.rstrip("/")
        self._parts = parts
        self._key = key

    def get(self, path: str) -> dict[str, Any]:
        """The JSON at a path. Raises Refused, Unavailable."""
        return self.send("GET", path).document()

    def post(
        self, path: str, document: dict[str, Any], *, timeout_s: float = TIMEOUT_S
    ) -> dict[str, Any]:
        """The JSON that comes back. Raises Refused, Unavailable."""
        sent, kind = json.dumps(document).encode(), {"Content-Type": "application/json"}
        return self.send("POST", path, sent, kind, timeout_s=timeout_s).document()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> Reply:
        """One request, one answer, whatever its status. Raises Unavailable."""
        connection = self._connection(timeout_s)
        try:
            connection.request(method, self._path(path), body, self._headers(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, answer.read(), found)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def stream(self, path: str, last_id: str | None = None) -> Iterator[StreamEvent]:
        """The events until the server ends the stream. Raises Refused, Unavailable.

        No event at all means that there is no news after `last_id` and never will be.
        """
        connection = self._connection(SILENCE_S)
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        try:
            connection.request("GET", self._path(path), headers=self._headers(headers))
            answer = connection.getresponse()
            if answer.status == 204:
                return
            if answer.status != 200:
                Reply(answer.status, answer.read(), {}).document()
            yield from _events(answer)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(self._parts.hostname or "", self._parts.port, timeout=timeout_s)

    def _path(self, path: str) -> str:
        return self._parts.path.rstrip("/") + path

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return more | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    def _unreachable(self, error: Exception) -> HubError:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Unavailable(f"{self.url} cannot be reached ({why}). Is the server running?")


def _events(answer: http.client.HTTPResponse) -> Iterator[StreamEvent]:
    name, data, last_id = "message", list[str](), None
    while line := answer.readline():
        field, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if not field and not value:
            if data:
                yield StreamEvent(name, "\n".join(data), last_id)
            name, data = "message", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value


def find_server(url: str | None, key: str | None) -> ServerClient:
    """The server that the options name, or the `tallystick dev` of this folder.

    Raises NotConfigured where there is no key to be found.
    """
    from tallystick.cli.options import read_settings

    settings = read_settings()
    found = key or kept_by_dev(settings.database_url, "api_key")
    if found is None:
        raise NotConfigured(
            "A secret key is needed: name it with --key or TALLYSTICK_API_KEY. "
            "`tallystick keys create --role operator` makes one."
        )
    return ServerClient(url or address_of(settings), found)


def address_of(settings: "Settings") -> str:
    """The public address that is set, or where the `tallystick dev` of this folder listens."""
    is_set = "base_url" in settings.model_fields_set
    kept = None if is_set else kept_by_dev(settings.database_url, "url")
    return kept or settings.base_url
