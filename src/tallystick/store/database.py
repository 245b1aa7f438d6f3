"""What a flow may ask of the database, whichever it is."""

import inspect
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection, make_url

from tallystick.domain.errors import NotConfigured

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a batch
Body = Callable[[Connection], T]
Apply = Callable[[Connection, Sequence[I]], Sequence[T]]


class Database(Protocol):
    """Runs transaction bodies.

    A body is a plain function: it cannot await, so nobody holds a lock while waiting for a gateway.
    It may be run again after a lost race, so it has no effects outside the transaction.
    """

    dialect: str

    async def read(self, body: Body[T]) -> T:
        """Run `body` on a consistent view of committed data. Raises DatabaseUnavailable."""
        ...

    async def write(self, body: Body[T]) -> T:
        """Run `body` in one transaction, all or nothing, durable when this returns."""
        ...

    async def write_each(self, apply: Apply[I, T], item: I) -> T:
        """Group commit: `apply` gets every item that arrived while the last commit was under way.

        It returns one result per item, in order. If it raises, the items are tried one by one, so
        that only the bad one fails.
        """
        ...

    async def close(self) -> None:
        """Finish what is queued and let go of the connections."""
        ...


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database, or None for a database that is a server."""
    parts = make_url(url)
    is_file = parts.get_backend_name() == "sqlite"
    return Path(parts.database or "tallystick.db") if is_file else None


def dev_files(url: str) -> Path:
    """What a development server's own files begin with: the SQLite file, or one in the folder."""
    name = sha256(url.encode()).hexdigest()[:12]
    return sqlite_file(url) or Path(f"tallystick-{name}")


def refuse_no_place(url: str) -> None:
    """Raises NotConfigured where no SQLite file can be: no folder for it, or a folder itself."""
    file = sqlite_file(url)
    if file is not None and not file.absolute().parent.is_dir():
        raise NotConfigured(
            f"There is no folder {file.absolute().parent} for the database: make it, or name "
            "another place."
        )
    if file is not None and file.is_dir():
        raise NotConfigured(f"{file} is a folder and no database: name a file in it.")


def refuse_coroutine(result: T) -> T:
    """A body that is an `async def` would run after its transaction; refuse it loudly."""
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("A transaction body is a plain function, not an async def.")
    return result
