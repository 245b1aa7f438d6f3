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
    shows what is not in the database.
    """

    def __init__(self, line: Line, live: LiveHub, database: Database) -> None:
        self._line = line
        self._live = live
        self._database = database
        self._who = secrets.token_hex(6)
        self._waiting: dict[str, None] = {}
        self._rung = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell and to listen."""
        self._live.relay = self.tell
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop both."""
        self._live.relay = None
        for task in (self._running, *self._tasks):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._line.close()

    def tell(self, snapshot: Snapshot) -> None:
        """Let the others know, soon; all that has changed meanwhile goes in one message."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting[f"{self._who}:{snapshot.id}"] = None
            self._rung.set()

    async def _run(self) -> None:
        pause_s = 0.1
        while True:
            try:
                await self._line.open(self._heard)
                pause_s = 0.1
                await self._tell_forever()
            except Exception as error:  # noqa: BLE001 - whatever it is, polling goes on
                log.warning("relay_lost", why=type(error).__name__)
            with contextlib.suppress(Exception):
                await self._line.close()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _tell_forever(self) -> None:
        while True:
            # Also says nothing now and then, to notice that the line is dead.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), ASKED_EVERY_S)
            self._rung.clear()
            messages, self._waiting = list(self._waiting), {}
            await self._line.tell(messages)

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
