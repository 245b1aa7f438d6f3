"""The two ways to a hub, blocking and awaiting; all decisions are elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2

from tallystick.client.calls import Call, Outcome, Reply, result, wait_s
from tallystick.client.errors import Unreachable
from tallystick.client.following import Follower, Watched
from tallystick.client.pages import Page
from tallystick.client.reading import Thing

T = TypeVar("T")
S = TypeVar("S", bound=Thing)
_CONNECT_S: Final = 10.0
_BROKEN: Final = (httpx2.TransportError, httpx2.DecodingError)


@dataclass(frozen=True, slots=True)
class Way:
    """Where the hub is and how to speak to it. The key is never printed."""

    base_url: str
    key: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0
    retries: int = 3
    backoff_s: float = 0.5

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise ValueError("base_url is a hub's address, such as https://pay.example.com.")

    def words(self) -> dict[str, Any]:
        """How an HTTP client is made: no redirects, since a key would go along."""
        headers = {"accept": "application/json", "user-agent": "tallystick-python"}
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        timeout = httpx2.Timeout(self.timeout_s, connect=min(_CONNECT_S, self.timeout_s))
        return {"headers": headers, "timeout": timeout, "follow_redirects": False}

    def request(self, call: Call[Any]) -> dict[str, Any]:
        """A call in the HTTP client's words."""
        kind = {} if call.body is None else {"content-type": "application/json"}
        return {
            "method": call.method,
            "url": self.base_url.rstrip("/") + call.path,
            "params": dict(call.query) or None,
            "content": call.body,
            "headers": {**kind, **call.headers},
        }

    def streamed(self, call: Call[Any], silence_s: float) -> dict[str, Any]:
        """A call whose answer goes on; silence for so long means that the connection is dead."""
        timeout = httpx2.Timeout(silence_s, connect=min(_CONNECT_S, self.timeout_s))
        return {**self.request(call), "timeout": timeout}

    def failed(self, error: Exception) -> Unreachable:
        """What the HTTP client says, without the address that was asked."""
        return Unreachable(f"{self.base_url} gave no answer ({type(error).__name__}).")


class Line:
    """Blocks until the answer is there."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self._http = httpx2.Client(**way.words())

    def send(self, call: Call[T]) -> T:
        """The answer, after as many tries as are allowed. Raises ApiError, Unreachable."""
        for attempt in range(self.way.retries):
            outcome = self._once(call)
            pause_s = wait_s(call, outcome, attempt, self.way.backoff_s)
            if pause_s is None:
                return result(call, outcome)
            time.sleep(pause_s)
        return result(call, self._once(call))

    def each(self, call: Call[Page[T]]) -> Iterator[T]:
        """All items of all pages."""
        following: Call[Page[T]] | None = call
        while following is not None:
            page = self.send(following)
            yield from page.items
            following = page.following

    def follow(self, watched: Watched[S]) -> Iterator[S]:
        """Every new state, until a final one. Raises ApiError, Unreachable, WatchTimedOut."""
        follower = Follower(watched, time.monotonic())
        while not follower.is_over():
            news = follower.heard(self._once(follower.reading()))
            if news is not None:
                yield news
            stream = None if follower.is_over() else follower.streaming(time.monotonic())
            if stream is not None:
                yield from self._stream(follower, stream)
            elif not follower.is_over():
                time.sleep(follower.pause_s(time.monotonic()))

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def _once(self, call: Call[Any]) -> Outcome:
        try:
            got = self._http.request(**self.way.request(call))
        except _BROKEN as error:
            return self.way.failed(error)
        return replace(_head(got), body=got.content)

    def _stream(self, follower: Follower[S], call: Call[Any]) -> Iterator[S]:
        began = time.monotonic()
        words = self.way.streamed(call, follower.watched.silence_s)
        with suppress(*_BROKEN), self._http.stream(**words) as got:
            for line in got.iter_lines() if follower.opened(_head(got)) else ():
                news = follower.line(line, time.monotonic())
                if news is not None:
                    yield news
                if follower.is_over():
                    break
        now = time.monotonic()
        follower.closed(now - began, now)


class AsyncLine:
    """Lets others work until the answer is there; for asyncio."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self._http = httpx2.AsyncClient(**way.words())

    async def send(self, call: Call[T]) -> T:
        """The answer, after as many tries as are allowed. Raises ApiError, Unreachable."""
        for attempt in range(self.way.retries):
            outcome = await self._once(call)
            pause_s = wait_s(call, outcome, attempt, self.way.backoff_s)
            if pause_s is None:
                return result(call, outcome)
            await asyncio.sleep(pause_s)
        return result(call, await self._once(call))

    async def each(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """All items of all pages."""
        following: Call[Page[T]] | None = call
        while following is not None:
            page = await self.send(following)
            for item in page.items:
                yield item
            following = page.following

    async def follow(self, watched: Watched[S]) -> AsyncIterator[S]:
        """Every new state, until a final one. Raises ApiError, Unreachable, WatchTimedOut."""
        follower = Follower(watched, time.monotonic())
        while not follower.is_over():
            news = follower.heard(await self._once(follower.reading()))
            if news is not None:
                yield news
            stream = None if follower.is_over() else follower.streaming(time.monotonic())
            if stream is not None:
                async for told in self._stream(follower, stream):
                    yield told
            elif not follower.is_over():
                await asyncio.sleep(follower.pause_s(time.monotonic()))

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def _once(self, call: Call[Any]) -> Outcome:
        try:
            got = await self._http.request(**self.way.request(call))
        except _BROKEN as error:
            return self.way.failed(error)
        return replace(_head(got), body=got.content)

    async def _stream(self, follower: Follower[S], call: Call[Any]) -> AsyncIterator[S]:
        began = time.monotonic()
        words = self.way.streamed(call, follower.watched.silence_s)
        with suppress(*_BROKEN):
            async with self._http.stream(**words) as got:
                if follower.opened(_head(got)):
                    async for line in got.aiter_lines():
                        news = follower.line(line, time.monotonic())
                        if news is not None:
                            yield news
                        if follower.is_over():
                            break
        now = time.monotonic()
        follower.closed(now - began, now)


def _head(got: httpx2.Response) -> Reply:
    headers = {name.lower(): value for name, value in got.headers.items()}
    return Reply(got.status_code, headers, b"")
