"""Who asks the database: somebody at the door, somebody inside, or our own work; and the door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar, copy_context
from enum import Enum
from typing import Final

from tallystick.domain.errors import Unavailable

LONGEST_QUEUE_S: Final = 1.0
"""Where the first in the queue has waited so long, whoever comes now is sent away at once."""

PATIENCE_S: Final = 2.0
PATIENCE_INSIDE_S: Final = 10.0
MOST_WAITING: Final = 2_000


class Lane(Enum):
    """How its wishes are treated where there are more of them than the database can grant."""

    DOOR = "a request that has done nothing yet: it can be sent away, and loses nothing"
    INSIDE = "a request under way: it waits, because what it has begun would have to be mended"
    WORK = "what runs beside the requests: it has connections of its own"


_lane: ContextVar[Lane] = ContextVar("lane", default=Lane.DOOR)


def lane() -> Lane:
    """The lane of this task."""
    return _lane.get()


def for_work() -> Context:
    """What a task is begun with that runs beside the requests; all that it begins is so too."""
    context = copy_context()
    context.run(_lane.set, Lane.WORK)
    return context


class Door:
    """Lets so many in at a time, and turns newcomers away rather than let all of them wait."""

    def __init__(self, places: int) -> None:
        self._places = asyncio.Semaphore(places)
        self._waiting: dict[object, float] = {}

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """A place, for as long as it lasts. Raises Unavailable."""
        await self._enter(newcomer=lane() is Lane.DOOR)
        if lane() is Lane.DOOR:
            _lane.set(Lane.INSIDE)
        try:
            yield
        finally:
            self._places.release()

    async def _enter(self, *, newcomer: bool) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        now, ticket = asyncio.get_running_loop().time(), object()
        first = next(iter(self._waiting.values()), now)
        if newcomer and (now - first > LONGEST_QUEUE_S or len(self._waiting) >= MOST_WAITING):
            raise _too_busy()
        self._waiting[ticket] = now
        try:
            async with asyncio.timeout(PATIENCE_S if newcomer else PATIENCE_INSIDE_S):
                await self._places.acquire()
        except TimeoutError:
            raise _too_busy() from None
        finally:
            del self._waiting[ticket]


def _too_busy() -> Unavailable:
    return Unavailable("More is asked of the database than it can do; try again.", retry_after_s=2)
