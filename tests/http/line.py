"""An HTTP client that keeps its connection, so that hundreds of requests cost little."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx2

from tests.infra.live import NO_TLS, Answer, Client, Event, bearer, body_of, events, parsed

# Days of virtual time in one request take minutes on a machine that is busy.
PATIENCE_S = 240.0
# Shorter than the server's own patience, so that it never closes a connection under a request.
IDLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Watching:
    """An open stream, or the refusal of one."""

    status: int
    headers: Mapping[str, str]
    events: Iterator[Event]

    def next(self, name: str = "status") -> Event:
        """The next event of this name; others before it are passed over."""
        return next(event for event in self.events if event.name == name)

    def rest(self) -> list[Event]:
        """Everything that still comes before the stream ends, without heartbeats."""
        return [event for event in self.events if event.name != "heartbeat"]


class Line(Client):
    """One caller on the line. It follows no redirect and keeps no cookie."""

    def __init__(self, base: Callable[[], str]) -> None:
        super().__init__(base)
        limits = httpx2.Limits(keepalive_expiry=IDLE_S)
        self.http = httpx2.Client(timeout=PATIENCE_S, trust_env=False, verify=NO_TLS, limits=limits)
        self.http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        raw: bytes | str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request."""
        content, kind = body_of(json, raw)
        words = {**kind, **bearer(token), **(headers or {})}
        got = self.http.request(method, self.base() + path, content=content, headers=words)
        return Answer(got.status_code, got.headers, parsed(got.content), got.content)

    @contextmanager
    def watch(
        self, path: str, *, token: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Watching]:
        """Open a stream of events over a connection of its own, and hang up at the end."""
        words = {"accept": "text/event-stream", **bearer(token), **(headers or {})}
        with (
            httpx2.Client(timeout=PATIENCE_S, trust_env=False, verify=NO_TLS) as http,
            http.stream("GET", self.base() + path, headers=words) as got,
        ):
            # Kept here: the line is cut when nobody holds its events any more.
            watching = Watching(got.status_code, got.headers, events(got.iter_lines()))
            yield watching

    def close(self) -> None:
        """Hang up."""
        self.http.close()
