"""Several processes tell each other which payments have changed; the database says how."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from tallystick.domain.snapshot import Snapshot
from tallystick.live.hub import LiveHub
from tallystick.store import snapshots
from tallystick.store.database import Database

LONGEST_PAUSE_S: Final = 10.0
MOST_WAITING: Final = 10_000
ASKED_EVERY_S: Final = 3.0

log = structlog.get_logger()


class Line(Protocol):
    """One connection over which the processes hear each other."""

    async def open(self, heard: Callable[[str], None]) -> None:
        """Connect, and call `heard` with every message from now on. Raises OSError and its kin."""
        ...

    async def tell(self, messages: Sequence[str]) -> None:
        """Send to everybody. Raises where the connection is gone."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


class Relay:
    """Carries hints. One that is lost costs a browser one poll, and nothing else.

    A message is `who:payment`. Whoever watches that payment reads it anew, so that a stream never
    shows what is not in the database. All listen to the `spare` line too, and whoever has lost the
    first one tells over it.
    """

    def __init__(
        self, line: Line, live: LiveHub, database: Database, spare: Line | None = None
    ) -> None:
        self._line = line
        self._spare = spare
        self._live = live
        self._database = database
        self._who = secrets.token_hex(6)
        self._waiting: dict[str, None] = {}
        self._bells: dict[Line, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to tell and to listen."""
        self._live.relay = self.tell
        lines = [self._line] if self._spare is None else [self._line, self._spare]
        self._running = [asyncio.create_task(self._run(line)) for line in lines]

    async def stop(self) -> None:
        """Stop both."""
        self._live.relay = None
        for task in (*self._running, *self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._line.close()
        if self._spare is not None:
            await self._spare.close()

    def tell(self, snapshot: Snapshot) -> None:
        """Let the others know, soon; all that has changed meanwhile goes in one message."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting[f"{self._who}:{snapshot.id}"] = None
            self._ring()

    def _ring(self) -> None:
        for work_signal in self._bells.values():
            work_signal.set()

    async def _run(self, line: Line) -> None:
        pause_s = 0.1
        while True:
            try:
                await line.open(self._heard)
                pause_s = 0.1
                work_signal = self._bells[line] = asyncio.Event()
                work_signal.set()
                await self._tell_forever(line, work_signal)
            except Exception as error:  # noqa: BLE001 - whatever it is, polling goes on
                log.warning("relay_lost", line=type(line).__name__, why=type(error).__name__)
            self._bells.pop(line, None)
            # The other line takes it from here.
            self._ring()
            with contextlib.suppress(Exception):
                await line.close()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _tell_forever(self, line: Line, work_signal: asyncio.Event) -> None:
        while True:
            # Also says nothing now and then, to notice that the line is dead.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(work_signal.wait(), ASKED_EVERY_S)
            work_signal.clear()
            messages: dict[str, None] = {}
            if line is self._line or self._line not in self._bells:
                messages, self._waiting = self._waiting, messages
            try:
                await line.tell(list(messages))
            except BaseException:
                self._waiting = messages | self._waiting
                raise

    def _heard(self, message: str) -> None:
        who, _, payment_id = message.partition(":")
        if who == self._who:
            return
        self._live.heard += 1
        if self._live.watched(payment_id):
            task = asyncio.create_task(self._show(payment_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _show(self, payment_id: str) -> None:
        try:
            found = await self._database.read(lambda tx: snapshots.find(tx, payment_id))
        except Exception as error:  # noqa: BLE001 - the browser polls, or the next message comes
            log.warning("relay_read_failed", why=type(error).__name__)
            return
        if found is not None:
            self._live.show(found)
