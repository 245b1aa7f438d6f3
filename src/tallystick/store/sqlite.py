"""SQLite: one writer thread that commits whatever has queued, and a few readers."""

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tallystick.domain.errors import DatabaseUnavailable, Unavailable
from tallystick.private_files import make_private, narrow
from tallystick.store.database import Apply, Body, I, T, refuse_coroutine
from tallystick.store.own_file import Moved, OwnFile, complaint, is_unreadable

LARGEST_BATCH: Final = 128
LARGEST_QUEUE: Final = 10_000
READERS: Final = 3
BUSY_TIMEOUT_MS: Final = 10_000


@dataclass(slots=True)
class _Task:
    """One body, or one item of a batch, and who waits for it."""

    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    body: Body[Any] | None = None
    apply: Apply[Any, Any] | None = None
    item: Any = None
    outcome: Any = None
    failed: bool = False


class _AllUndoneError(DatabaseUnavailable):
    """What was done before in the same transaction is gone too, so nobody in it may be told yes."""


class SqliteDatabase:
    """One file, `synchronous=FULL`, WAL. `database is locked` cannot happen inside the server."""

    dialect = "sqlite"

    def __init__(self, url: str) -> None:
        self.path = Path(make_url(url).database or "tallystick.db")
        make_private(self.path)
        self._file = OwnFile(self.path)
        self._writing = _engine(url, writable=True)
        self._reading = _engine(url, writable=False)
        self._tasks: deque[_Task] = deque()
        self._woken: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._gathered: list[_Task] = []
        self._asked: list[_Task] = []
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._writer = threading.Thread(target=self._write_forever, name="sqlite-writer")
        self._writer.daemon = True
        self._writer.start()
        self._connections: list[Connection] = []
        self._closed = False

    async def read(self, body: Body[T]) -> T:
        """Run `body` in a reader thread, on one consistent view."""
        task = _Task(*_waiting(), body=body)
        if self._asked and self._asked[0].loop is not task.loop:
            self._send_readers()
        if not self._asked:
            task.loop.call_soon(self._send_readers)
        self._asked.append(task)
        return await task.future  # type: ignore[no-any-return]

    async def write(self, body: Body[T]) -> T:
        """Queue `body` for the writer thread; returns after its commit."""
        return await self._queue(_Task(*_waiting(), body=body))  # type: ignore[no-any-return]

    async def write_each(self, apply: Apply[I, T], item: I) -> T:
        """Queue one item; the writer gives `apply` all that have queued."""
        return await self._queue(_Task(*_waiting(), apply=apply, item=item))  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Finish the queue, then close."""
        self._closed = True
        self._send_readers()
        self._hand_over()
        self._woken.put(False)
        await asyncio.get_running_loop().run_in_executor(None, self._writer.join)
        self._readers.shutdown()
        for connection in self._connections:
            connection.close()
        self._writing.dispose()
        self._reading.dispose()

    def _queue(self, task: _Task) -> "asyncio.Future[Any]":
        if self._closed:
            raise DatabaseUnavailable("The server is stopping.", retry_after_s=5)
        if len(self._tasks) + len(self._gathered) > LARGEST_QUEUE:
            raise Unavailable("Too many writes are waiting; try again.", retry_after_s=1)
        if self._gathered and self._gathered[0].loop is not task.loop:
            self._hand_over()
        if not self._gathered:
            task.loop.call_soon(self._hand_over)
        self._gathered.append(task)
        return task.future

    def _hand_over(self) -> None:
        """Wake the writer once for all that came in one turn of the event loop.

        Woken by the first, it would commit that one alone, and the others would wait for it.
        """
        gathered, self._gathered = self._gathered, []
        # In one step: a writer that is awake already would else commit a part of them alone.
        self._tasks.extend(gathered)
        self._woken.put(True)

    def _send_readers(self) -> None:
        """Send off what was asked in one turn of the event loop; the readers share it.

        A trip to a thread and back costs more than most reads.
        """
        asked = deque(self._asked)
        self._asked.clear()
        for _ in range(min(READERS, len(asked))):
            self._readers.submit(self._read_on, asked)

    def _read_on(self, asked: deque[_Task]) -> None:
        done: list[_Task] = []
        with contextlib.suppress(IndexError):
            while True:
                task = asked.popleft()
                done.append(task)
                try:
                    task.outcome = self._read(task.body)  # type: ignore[arg-type]
                except Exception as error:  # noqa: BLE001 - handed to whoever waits
                    task.outcome, task.failed = _translated(error), True
        _answer(done)

    def _read(self, body: Body[T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect(self._reading)
            self._connections.append(connection)
        with connection.begin():
            return refuse_coroutine(body(connection))

    def _write_forever(self) -> None:
        connection: Connection | None = None
        running = True
        while running or self._tasks:
            if not self._tasks:
                running = self._woken.get()
            batch = [self._tasks.popleft() for _ in range(min(LARGEST_BATCH, len(self._tasks)))]
            if not batch:
                # It was woken for what an earlier batch has taken along.
                continue
            try:
                connection = connection or self._connect(self._writing)
                self._file.check()
                _commit(connection, batch)
                self._file.hold_log()
                self._file.check()
            except Moved as error:
                # Its connection stays: closing it would touch the companions of whatever file has
                # the name now, and this one may be put back.
                _fail(batch, error)
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                _fail(batch, error)
                # A commit that failed leaves its transaction open; only a new connection is clean.
                _let_go(connection)
                self._file.let_log_go()
                connection = None
            _answer(batch)
        if connection is not None:
            connection.close()

    def _connect(self, engine: Engine) -> Connection:
        """A connection to the file that was opened first: SQLite would make one where none is."""
        self._file.check()
        connection = engine.connect()
        self._file.hold()
        return connection


class ServerLock:
    """Keeps a second server off the same SQLite file. Freed by the system when we die."""

    def __init__(self, database: Path) -> None:
        real = database.resolve()
        self._path = real.with_name(real.name + ".lock")
        try:
            self._handle = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise DatabaseUnavailable(
                f"{self._path.name} cannot be made beside the database ({error.strerror}): give "
                "this user the right to write in its folder."
            ) from error
        narrow(self._path)

    def take(self) -> None:
        """Raises DatabaseUnavailable where another server holds the file."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DatabaseUnavailable(
                f"Another Tallystick server uses {self._path.with_suffix('').name}. "
                "Stop it first, or use PostgreSQL, which several servers can share."
            ) from error


def _engine(url: str, *, writable: bool) -> Engine:
    engine = create_engine(
        make_url(url).set(drivername="sqlite+pysqlite"),
        poolclass=NullPool,
        connect_args={"isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: object) -> None:
        pragmas = [f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"]
        # What is erased or sealed anew shall not be left in the free parts of the file.
        durable = ["journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"]
        pragmas += durable if writable else ["query_only=ON"]
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writable else "BEGIN")

    return engine


def _waiting() -> "tuple[asyncio.AbstractEventLoop, asyncio.Future[Any]]":
    loop = asyncio.get_running_loop()
    return loop, loop.create_future()


def _commit(connection: Connection, batch: list[_Task]) -> None:
    """Everything in one transaction, each body in its own savepoint, so failures stay apart."""
    with connection.begin():
        grouped: dict[Apply[Any, Any], list[_Task]] = {}
        for task in batch:
            if task.apply is not None:
                grouped.setdefault(task.apply, []).append(task)
            elif task.body is not None:
                _attempt(connection, task, task.body)
        for apply, tasks in grouped.items():
            _apply_group(connection, apply, tasks)


def _attempt(connection: Connection, task: _Task, body: Body[Any]) -> None:
    try:
        task.outcome = _isolated(connection, body)
    except _AllUndoneError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to whoever waits
        task.outcome, task.failed = _translated(error), True


def _apply_group(connection: Connection, apply: Apply[Any, Any], tasks: Sequence[_Task]) -> None:
    try:
        items = [task.item for task in tasks]
        results = _isolated(connection, lambda tx: apply(tx, items))
    except _AllUndoneError:
        raise
    except Exception:  # noqa: BLE001 - one of them is bad: find out which
        for task in tasks:
            _attempt(connection, task, partial(_apply_one, apply, task.item))
    else:
        for task, result in zip(tasks, results, strict=True):
            task.outcome = result


def _apply_one(apply: Apply[Any, Any], item: Any, tx: Connection) -> Any:
    return apply(tx, [item])[0]


def _isolated(connection: Connection, body: Body[T]) -> T:
    connection.exec_driver_sql("SAVEPOINT one")
    try:
        result = refuse_coroutine(body(connection))
        connection.exec_driver_sql("RELEASE one")
    except BaseException as error:
        if not _is_in_transaction(connection):
            why = getattr(error, "orig", type(error).__name__)
            raise _AllUndoneError(f"SQLite: {why}.", retry_after_s=5) from error
        connection.exec_driver_sql("ROLLBACK TO one")
        connection.exec_driver_sql("RELEASE one")
        raise
    return result


def _is_in_transaction(connection: Connection) -> bool:
    """SQLite ends a transaction by itself on some errors: a full disk, or one that fails."""
    return bool(getattr(connection.connection.dbapi_connection, "in_transaction", False))


def _let_go(connection: Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(DBAPIError):
            connection.invalidate()
            connection.close()


def _fail(batch: Sequence[_Task], error: Exception) -> None:
    for task in batch:
        task.outcome, task.failed = _translated(error), True


def _answer(batch: Sequence[_Task]) -> None:
    """Wake everyone who waits, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Task]] = {}
    for task in batch:
        by_loop.setdefault(task.loop, []).append(task)
    for loop, tasks in by_loop.items():
        # A loop that is closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, tasks)


def _resolve(tasks: Sequence[_Task]) -> None:
    for task in tasks:
        if task.future.done():
            continue
        if task.failed:
            task.future.set_exception(task.outcome)
        else:
            task.future.set_result(task.outcome)


def _translated(error: Exception) -> Exception:
    """A driver's complaint about the disk or the file becomes ours; a broken rule stays a bug."""
    if isinstance(error, DBAPIError) and _is_about_the_file(error.orig):
        return DatabaseUnavailable(complaint(error.orig), retry_after_s=5)
    return error


def _is_about_the_file(error: object) -> bool:
    """Whether the disk, the lock or the file itself is at fault, and no statement of ours."""
    return isinstance(error, sqlite3.OperationalError) or is_unreadable(error)
