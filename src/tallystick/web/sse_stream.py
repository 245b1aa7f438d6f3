"""Server-sent events: the publisher writes straight to each connection, with no queue between."""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from typing import Any, Final

from starlette.types import Receive, Send

from tallystick.domain.payment import is_final
from tallystick.domain.snapshot import Snapshot
from tallystick.live.hub import Frame, LiveHub
from tallystick.web import embedding

HEARTBEAT: Final = b"event: heartbeat\ndata: {}\n\n"
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    *embedding.ANSWER,
]
_TICK_S: Final = 1.0


class Stream:
    """One open stream of one payment."""

    __slots__ = ("_dropped", "_ended", "_send", "_started", "_task", "born", "client", "farewell",
                 "frame", "life_s", "newest", "payment_id", "touched", "user",
                 "version")  # fmt: skip

    def __init__(
        self,
        send: Send,
        first: Snapshot,
        client: str,
        frame: Frame,
        *,
        last_seen: int,
        life_s: float,
    ) -> None:
        self.payment_id, self.client, self.frame = first.id, client, frame
        # Whose stream it is beside the address, and what is said where the server stops.
        self.user: str | None = None
        self.farewell = b""
        self.version = last_seen
        self.born = self.touched = asyncio.get_running_loop().time()
        self.life_s = life_s * random.uniform(0.8, 1.0)  # noqa: S311 - spreads reconnects
        # What to open with; not held any longer, since thousands of streams wait for minutes.
        self.newest: Snapshot | None = first
        self._send = send
        self._started = self._ended = self._dropped = False
        self._task = asyncio.current_task()

    async def run(self, receive: Receive) -> None:
        """Open with the whole state, then wait until somebody ends it."""
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        self._started = True
        if self._ended:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        self._open()
        try:
            while not self._ended:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
        except asyncio.CancelledError:
            if not self._dropped or self._task is None:
                raise
            self._task.uncancel()

    def _open(self) -> None:
        newest, self.newest = self.newest, None
        if newest is None or newest.version == self.version:
            self._write(b": connected\n\n")
        else:
            # Also where the browser names a version that we never had.
            self.version = 0
            self.show(newest, self.frame(newest))

    def renew(self, snapshot: Snapshot) -> None:
        """Before the stream has opened: open with this, where it is newer."""
        if self.newest is not None and snapshot.version > self.newest.version:
            self.newest = snapshot

    def show(self, snapshot: Snapshot, encoded: bytes) -> None:
        """Write one event; after a final one the stream ends."""
        if not self._started:
            self.renew(snapshot)
            return
        if self._ended or snapshot.version <= self.version:
            return
        self.version = snapshot.version
        self._write(encoded)
        if is_final(snapshot.phase):
            self.end()

    def beat(self) -> None:
        """Show that the connection is alive, also to a browser that cannot see comments."""
        if self._started and not self._ended:
            self._write(HEARTBEAT)

    def end(self) -> None:
        """Finish the answer; the browser comes back, or knows that it is over."""
        if self._ended:
            return
        self._ended = True
        if self._started:
            self._step(self._send({"type": "http.response.body", "body": b"", "more_body": False}))

    def stop(self) -> None:
        """The server stops: say so, where this kind of stream has words for it, and finish."""
        if self.farewell and self._started and not self._ended:
            self._write(self.farewell)
        self.end()

    def _write(self, content: bytes) -> None:
        self.touched = asyncio.get_running_loop().time()
        self._step(self._send({"type": "http.response.body", "body": content, "more_body": True}))

    def _step(self, sending: Coroutine[Any, Any, None] | Any) -> None:
        """Run the send to its end at once. Where it would wait, the reader is too slow: drop it."""
        try:
            sending.send(None)
        except StopIteration:
            return
        sending.close()
        self._ended = self._dropped = True
        # Closing would wait until the reader has taken what is buffered, which may be never.
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()
        if self._task is not None:
            self._task.cancel()


class Keeper:
    """One task for all streams: heartbeats, and an end to those that have lived long enough."""

    def __init__(self, live: LiveHub, *, heartbeat_s: float) -> None:
        self._live = live
        self._heartbeat_s = heartbeat_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look after the streams."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End every stream and stop."""
        for stream in self._live:
            stream.stop()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        tick_s = min(_TICK_S, self._heartbeat_s / 4)
        while True:
            await asyncio.sleep(tick_s)
            now = asyncio.get_running_loop().time()
            for stream in self._live:
                if not isinstance(stream, Stream):
                    continue
                if now - stream.born > stream.life_s:
                    stream.end()
                elif now - stream.touched > self._heartbeat_s - 2 * tick_s:
                    stream.beat()
