"""PostgreSQL: the same transaction bodies through asyncpg, and group commit for hot paths."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from tallystick.domain.errors import DatabaseUnavailable, RaceLost, Unavailable
from tallystick.store.database import Apply, Body, I, T, refuse_coroutine

LARGEST_BATCH: Final = 128
LARGEST_QUEUE: Final = 10_000
CONNECTIONS: Final = 10
RACES: Final = 4
_SERIALIZATION: Final = {"40001", "40P01"}


class PostgresqlDatabase:
    """READ COMMITTED with conditional writes and unique keys; lost races are run again."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=False,
            connect_args={"server_settings": {"application_name": "tallystick"}},
        )
        self._groups: dict[Apply[Any, Any], _Group] = {}

    async def read(self, body: Body[T]) -> T:
        """Run `body` on a pooled connection."""
        return await self._tried(lambda: self._run(body))

    async def write(self, body: Body[T]) -> T:
        """Run `body` in one transaction; again where it lost a race."""
        return await self._tried(lambda: self._run(body))

    async def write_each(self, apply: Apply[I, T], item: I) -> T:
        """Queue one item for the group commit of `apply`."""
        group = self._groups.get(apply)
        if group is None:
            group = self._groups[apply] = _Group(apply, self.write)
        return await group.add(item)  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Finish the groups, then close the pool."""
        for group in self._groups.values():
            await group.close()
        await self._engine.dispose()

    async def _run(self, body: Body[T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(lambda tx: refuse_coroutine(body(tx)))

    async def _tried(self, run: Callable[[], Awaitable[T]]) -> T:
        for tries in range(RACES):
            try:
                return await run()
            except RaceLost:
                if tries == RACES - 1:
                    raise
            except DBAPIError as error:
                last = tries == RACES - 1
                if _is_lost_race(error) and not last:
                    await asyncio.sleep(0.002 * 3**tries)
                elif error.connection_invalidated and not last:
                    # The pool threw its stale connections away; nothing had been committed
                    # unless the commit itself was cut, and bodies are safe to repeat.
                    await asyncio.sleep(0.05 * 2**tries)
                elif _is_lost_race(error) and not isinstance(error, IntegrityError):
                    raise Unavailable("Too much contention; try again.", retry_after_s=1) from error
                elif _is_outage(error):
                    raise DatabaseUnavailable("PostgreSQL is away.", retry_after_s=5) from error
                else:
                    raise
            except (OSError, PoolTimeout) as error:
                raise DatabaseUnavailable("PostgreSQL is away.", retry_after_s=5) from error
        raise AssertionError("unreachable")


class _Group:
    """All items of one `apply` that wait for the next commit. No timer: a lone item goes at once."""

    def __init__(
        self, apply: Apply[Any, Any], write: Callable[[Body[Any]], Awaitable[Any]]
    ) -> None:
        self._apply = apply
        self._write = write
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []
        self._flushing: asyncio.Task[None] | None = None

    def add(self, item: Any) -> "asyncio.Future[Any]":
        if len(self._waiting) > LARGEST_QUEUE:
            raise Unavailable("Too many writes are waiting; try again.", retry_after_s=1)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return future

    async def close(self) -> None:
        if self._flushing is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._flushing

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            items = [item for item, _ in batch]
            try:
                results = await self._write(lambda tx, items=items: self._apply(tx, items))
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                await self._flush_one_by_one(batch, error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    if not future.done():
                        future.set_result(result)

    async def _flush_one_by_one(
        self, batch: Sequence[tuple[Any, "asyncio.Future[Any]"]], error: Exception
    ) -> None:
        for item, future in batch:
            try:
                if isinstance(error, Unavailable):
                    raise error
                result = (await self._write(lambda tx, item=item: self._apply(tx, [item])))[0]
            except Exception as own:  # noqa: BLE001 - handed to whoever waits
                if not future.done():
                    future.set_exception(own)
            else:
                if not future.done():
                    future.set_result(result)


def _is_lost_race(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or _sqlstate(error) in _SERIALIZATION


def _is_outage(error: DBAPIError) -> bool:
    # 08 connection, 53 resources (disk full, too many), 57P shutdown.
    return error.connection_invalidated or _sqlstate(error)[:2] in {"08", "53", "57"}


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
