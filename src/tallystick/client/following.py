"""Follows one status: what to ask next, and what is news. It asks nothing itself and never sleeps.

The status is read first, then its stream tells what changes. A stream that ends, is refused or
falls silent is answered with one more reading, and is tried again after a growing pause; until then
the status is read.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from tallystick.client.calls import Call, Outcome, Reader, Reply, get, member
from tallystick.client.errors import (
    ApiError,
    ServerError,
    TallystickError,
    Unreachable,
    WatchTimedOut,
)
from tallystick.client.reading import Thing

T = TypeVar("T", bound=Thing)
# The hub's heart beats at least every 15 s.
SILENCE_S: Final = 35.0
# Well under half of the hub's limit of 300 polls in 15 minutes.
PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 30.0
_LONGEST_LAG_S: Final = 60.0
_LONG_LIFE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Watched(Generic[T]):
    """What is followed: where its status and its stream are, and for how long."""

    path: str
    read: Reader[T]
    query: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    pause_s: float = PAUSE_S
    silence_s: float = SILENCE_S


class Follower(Generic[T]):
    """The state of following one status. Times are a monotonic clock's, in seconds."""

    def __init__(self, watched: Watched[T], now: float) -> None:
        self.watched = watched
        self._over = False
        self._version = -1
        self._etag: str | None = None
        self._pause_s, self._lag_s, self._held_s = watched.pause_s, 1.0, 0.0
        self._stream_at, self._refused_s = now, 0.0
        limit_s = watched.timeout_s
        self._until = None if limit_s is None else now + limit_s
        self._lines = EventLines()

    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._over

    def reading(self) -> Call[Any]:
        """The call that reads the status."""
        headers = {} if self._etag is None else {"if-none-match": self._etag}
        return self._call("/status", headers)

    def streaming(self, now: float) -> Call[Any] | None:
        """The call that opens the stream; None where it is not yet time to try it again."""
        if now < self._stream_at:
            return None
        headers = {"accept": "text/event-stream"}
        if self._version >= 0:
            headers["last-event-id"] = str(self._version)
        return self._call("/stream", headers)

    def heard(self, outcome: Outcome) -> T | None:
        """The news in what a reading brought. Raises ApiError where asking again cannot help.

        Before anything is known, every failure is raised: the address or the key is wrong.
        """
        if isinstance(outcome, Reply) and outcome.status == 304:
            return None
        try:
            if not isinstance(outcome, Reply):
                raise outcome
            news = self._news(member(outcome.document(), "data"))
            self._etag = outcome.headers.get("etag")
            return news
        except TallystickError as error:
            passing = not isinstance(error, ApiError) or isinstance(error, ServerError)
            limited = isinstance(error, ApiError) and error.status == 429
            if self._version < 0 or not (passing or limited):
                raise
            self._held_s = getattr(error, "retry_after_s", None) or 0.0
            return None

    def opened(self, head: Reply) -> bool:
        """Whether the stream is one; 204 says that there will never be news."""
        self._lines = EventLines()
        self._refused_s = head.retry_after_s or 0.0
        self._over = self._over or head.status == 204
        return head.status == 200

    def line(self, text: str, now: float) -> T | None:
        """The news that a line of the stream completes. Raises WatchTimedOut."""
        self.check(now)
        event = self._lines.take(text)
        if event is None or not event.name.startswith("status"):
            return None
        try:
            return self._news(json.loads(event.data))
        except (ValueError, Unreachable):
            return None

    def closed(self, lived_s: float, now: float) -> None:
        """The stream is over, for whichever reason. One that lived long is tried again at once."""
        if lived_s > _LONG_LIFE_S:
            self._pause_s, self._lag_s = self.watched.pause_s, 1.0
        else:
            self._lag_s = min(self._lag_s * 2, _LONGEST_LAG_S)
        self._stream_at = now + max(self._lag_s, self._refused_s)
        self._refused_s = 0.0

    def pause_s(self, now: float) -> float:
        """How long to wait before the next reading. Raises WatchTimedOut."""
        self.check(now)
        wait_s = max(self._pause_s * random.uniform(1, 1.25), self._held_s)  # noqa: S311
        self._pause_s, self._held_s = min(self._pause_s * 1.5, _LONGEST_PAUSE_S), 0.0
        return wait_s if self._until is None else min(wait_s, max(0.0, self._until - now))

    def check(self, now: float) -> None:
        """Raises WatchTimedOut where the time is over."""
        if self._until is not None and now >= self._until:
            raise WatchTimedOut("Nothing final was told in the time that was given.")

    def _news(self, document: Any) -> T | None:
        version = int(member(document, "version"))
        if version <= self._version:
            return None
        news = self.watched.read(document)
        self._version, self._over = version, bool(member(document, "final"))
        return news

    def _call(self, end: str, headers: dict[str, str]) -> Call[Any]:
        call = get(self.watched.path + end, lambda document: document, **self.watched.query)
        return Call(call.method, call.path, call.read, query=call.query, headers=headers)


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    name: str
    data: str


class EventLines:
    """Puts the lines of an event stream together."""

    def __init__(self) -> None:
        self._name, self._data = "message", list[str]()

    def take(self, text: str) -> Event | None:
        """The event that this line ends, if it does."""
        if not text:
            event = Event(self._name, "\n".join(self._data)) if self._data else None
            self._name, self._data = "message", []
            return event
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        return None
