"""The counts that several processes share in Redis, for as long as it answers soon enough."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

if TYPE_CHECKING:
    from redis.asyncio import Redis

PATIENCE_S: Final = 0.05
"""A request waits so long for its count, and is counted in memory then."""

CONNECTIONS: Final = 64
_SEEN_S: Final = 0.5
_ASKED_EVERY_S: Final = 0.5

T = TypeVar("T")
log = structlog.get_logger()


class SharedCounts:
    """Asked by requests until one is not answered; then only by a task, until Redis is back.

    So one frozen Redis costs each request that is under way a moment, and those after it nothing.
    """

    def __init__(self, url: str) -> None:
        self._redis = _redis(url)
        words: dict[str, Any] = {"connection_pool": self._redis.connection_pool}
        storage = RedisStorage(f"async+{url}", implementation="redispy", **words)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._asking: asyncio.Task[None] | None = None
        self._away = False

    async def ask(
        self, question: Callable[[SlidingWindowCounterRateLimiter], Awaitable[T]]
    ) -> T | None:
        """The answer; None where Redis is away or takes too long."""
        if self._asking is not None:
            return None
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await question(self._limiter)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request goes on
            self._turn_away(type(error).__name__)
            return None

    async def answers(self) -> bool:
        """Whether Redis answers now; for those who look whether all is well."""
        if not self._away and not await self._is_there():
            self._turn_away("no answer")
            return False
        return not self._away

    async def close(self) -> None:
        """Let go of the connections."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking
        await self._redis.aclose(close_connection_pool=True)

    def _turn_away(self, why: str) -> None:
        if self._asking is None:
            self._asking = asyncio.create_task(self._until_back(why))

    async def _until_back(self, why: str) -> None:
        """Ask at once, since a busy moment of our own looks the same, and then now and then."""
        while not await self._is_there():
            if not self._away:
                log.warning("redis_away", why=why, limits="counted in memory")
            self._away = True
            await asyncio.sleep(_ASKED_EVERY_S)
        if self._away:
            log.info("redis_back", limits="counted in Redis")
        self._away, self._asking = False, None

    async def _is_there(self) -> bool:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_SEEN_S):
                return bool(await self._redis.ping())
        return False


def _redis(url: str) -> "Redis":
    from redis.asyncio import BlockingConnectionPool, Redis

    # Who finds all of them taken waits for one, as long as for an answer.
    pool = BlockingConnectionPool.from_url(url, max_connections=CONNECTIONS, timeout=_SEEN_S)
    return Redis(connection_pool=pool)
