"""PostgreSQL: the same transaction bodies through asyncpg, and group commit for hot paths."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tallystick.domain.errors import DatabaseUnavailable, OutcomeUnknown, RaceLost, Unavailable
from tallystick.store.database import Apply, Body, I, T, refuse_coroutine
from tallystick.store.lanes import Door, Lane, lane
from tallystick.store.lost_commit import Fate, Mark, fate, mark

LARGEST_BATCH: Final = 128
LARGEST_QUEUE: Final = 10_000
CONNECTIONS: Final = 10
WORK_CONNECTIONS: Final = 6
GROUP_CONNECTIONS: Final = 2
_PAUSES_S: Final = (0.002, 0.01, 0.05, 0.2)
_SERIALIZATION: Final = {"40001", "40P01"}
# An answer of these classes says that the connection ends, not what became of the commit.
_CUT: Final = {"", "08", "57", "58", "XX"}
# Connection, resources (full disk, too many), shutdown, the system under it.
_AWAY: Final = {"08", "53", "57", "58"}
_NOT_LET_IN: Final = {"28", "3D"}
_CANNOT: Final = {
    "25006": "it only reads: it is a standby server, or was set so",
    "XX001": "its data is damaged",
    "XX002": "an index is damaged",
}


@dataclass(frozen=True, slots=True)
class _Pool:
    """So many connections. Reads have one picture for all statements of a body.

    That is asked for with the BEGIN, so it costs nothing.
    """

    engine: AsyncEngine
    reading: AsyncEngine

    @classmethod
    def of(cls, url: str, connections: int) -> "_Pool":
        engine = _engine(url, connections)
        return cls(
            engine,
            engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
        )


class PostgresqlDatabase:
    """READ COMMITTED with conditional writes and unique keys; lost races are run again.

    A body runs again only where its first run is known to have left nothing behind.
    """

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self._asked = _Pool.of(url, CONNECTIONS)
        self._door = Door(CONNECTIONS)
        # Money is settled, and gateways are asked, however many requests there are.
        self._working = _Pool.of(url, WORK_CONNECTIONS)
        # A burst of settlements may take the whole pool; a gateway's 200 does not wait for that.
        self._grouping = _Pool.of(url, GROUP_CONNECTIONS)
        self._groups: dict[Apply[Any, Any], _Group] = {}

    async def read(self, body: Body[T]) -> T:
        """Run `body` on a pooled connection, on one consistent view."""
        return await self._tried(lambda: self._in_its_lane(_look, body))

    async def write(self, body: Body[T]) -> T:
        """Run `body` in one transaction; again where it lost a race."""
        return await self._tried(lambda: self._in_its_lane(_commit, body))

    async def write_each(self, apply: Apply[I, T], item: I) -> T:
        """Queue one item for the group commit of `apply`."""
        group = self._groups.get(apply)
        if group is None:
            group = self._groups[apply] = _Group(apply, self._write_group)
        return await group.add(item)  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Finish the groups, then close the pool."""
        for group in self._groups.values():
            await group.close()
        for pool in (self._asked, self._working, self._grouping):
            await pool.engine.dispose()

    async def _write_group(self, body: Body[T]) -> T:
        return await self._tried(lambda: _commit(self._grouping, body))

    async def _in_its_lane(self, run: Callable[[_Pool, Body[T]], Awaitable[T]], body: Body[T]) -> T:
        if lane() is Lane.WORK:
            return await run(self._working, body)
        async with self._door.passed():
            return await run(self._asked, body)

    async def _tried(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run it, and run it again where it lost a race or its connection had gone stale."""
        for pause_s in (*_PAUSES_S, None):
            try:
                return await run()
            except (DBAPIError, RaceLost, OSError, PoolTimeout, _NothingLeftError) as error:
                if pause_s is None or not _is_worth_repeating(error):
                    raise _translated(error) from error
                await asyncio.sleep(pause_s)
        raise AssertionError("unreachable")


class _NothingLeftError(Exception):
    """The connection was cut at the commit, and the server has undone the transaction."""


class _Group:
    """All items of one `apply` that wait for the next commit. No timer: a lone item goes."""

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
                results = await self._write(partial(_apply_all, self._apply, items))
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
                result = (await self._write(partial(_apply_all, self._apply, [item])))[0]
            except Exception as own:  # noqa: BLE001 - handed to whoever waits
                if not future.done():
                    future.set_exception(own)
            else:
                if not future.done():
                    future.set_result(result)


async def _look(pool: _Pool, body: Body[T]) -> T:
    async with pool.reading.connect() as connection, connection.begin() as transaction:
        result = await connection.run_sync(lambda tx: refuse_coroutine(body(tx)))
        # Nothing was written, so nothing hangs on the answer.
        with contextlib.suppress(DBAPIError, OSError):
            await transaction.commit()
        return result


async def _commit(pool: _Pool, body: Body[T]) -> T:
    """Run it once. Where the answer to the commit is lost, find out what became of it."""
    async with pool.engine.connect() as connection, connection.begin() as transaction:
        result, left = await connection.run_sync(partial(_marked, body))
        try:
            await transaction.commit()
        except (DBAPIError, OSError) as error:
            if not _is_unanswered(error):
                raise
            unanswered = error
        else:
            return result
    found = Fate.COMMITTED if left is None else await fate(pool.engine, left)
    if found is Fate.ABORTED:
        raise _NothingLeftError from unanswered
    if found is Fate.COMMITTED:
        return result
    raise OutcomeUnknown(
        "PostgreSQL went away while it committed, and it is not known whether this was done. "
        "Look before you repeat it, or repeat it with the same Idempotency-Key.",
        retry_after_s=5,
    ) from unanswered


def _engine(url: str, connections: int) -> AsyncEngine:
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        connect_args={"server_settings": {"application_name": "tallystick"}},
    )


def _apply_all(apply: Apply[Any, Any], items: Sequence[Any], tx: Connection) -> Sequence[Any]:
    return apply(tx, items)


def _marked(body: Body[T], tx: Connection) -> tuple[T, Mark | None]:
    return refuse_coroutine(body(tx)), mark(tx)


def _is_unanswered(error: Exception) -> bool:
    """Whether the server said neither yes nor no to a commit."""
    return not isinstance(error, DBAPIError) or _sqlstate(error)[:2] in _CUT


def _is_worth_repeating(error: Exception) -> bool:
    """A lost race, or a connection that was cut before the commit was sent: nothing is left."""
    if isinstance(error, DBAPIError):
        raced = isinstance(error, IntegrityError) or _sqlstate(error) in _SERIALIZATION
        return raced or error.connection_invalidated
    return isinstance(error, RaceLost | _NothingLeftError)


def _translated(error: Exception) -> Exception:
    """A driver's complaint becomes ours; a broken rule stays what it is, a bug."""
    if not isinstance(error, DBAPIError):
        lost = isinstance(error, RaceLost)
        return error if lost else DatabaseUnavailable("PostgreSQL is away.", retry_after_s=5)
    state = _sqlstate(error)
    if state in _SERIALIZATION:
        return Unavailable("Too much contention; try again.", retry_after_s=1)
    if error.connection_invalidated or state[:2] in _AWAY:
        return DatabaseUnavailable("PostgreSQL is away.", retry_after_s=5)
    if state[:2] in _NOT_LET_IN:
        return DatabaseUnavailable(
            "PostgreSQL does not let us in: check the user, the password and the name of the "
            "database in its URL.", retry_after_s=5,
        )  # fmt: skip
    if state in _CANNOT:
        return DatabaseUnavailable(f"PostgreSQL: {_CANNOT[state]}.", retry_after_s=5)
    return error


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
