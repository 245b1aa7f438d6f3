"""The file under a SQLite database: whether it is still the one that was opened, what is wrong."""

import os
import sqlite3
from pathlib import Path

from tallystick.domain.errors import DatabaseUnavailable
from tallystick.store.known_state import WAYS_OUT

Identity = tuple[int, int]


class Moved(DatabaseUnavailable):
    """The file was renamed, deleted or replaced: what is written now would be lost with it."""


class OwnFile:
    """The database's file and its write-ahead log, as they were when they were first opened.

    An open file keeps its content under any name, so SQLite itself goes on writing into one that
    nobody will ever look for again. Asked before and after each commit: what has landed in such a
    file is not acknowledged.
    """

    def __init__(self, path: Path) -> None:
        # SQLite follows symbolic links, and keeps its companions beside the real file.
        self._path = path.resolve()
        self._log = self._path.with_name(self._path.name + "-wal")
        self._opened: Identity | None = None
        self._opened_log: Identity | None = None
        self.hold()

    def hold(self) -> None:
        """Remember the file, once there is one."""
        self._opened = self._opened or _identity(self._path)

    def hold_log(self) -> None:
        """Remember the log that the writer's connection has open, once there is one."""
        self._opened_log = self._opened_log or _identity(self._log)

    def let_log_go(self) -> None:
        """The writer has closed its connection; the next one may begin another log."""
        self._opened_log = None

    def check(self) -> None:
        """Raises Moved where another file has their place, or none."""
        for path, opened in ((self._path, self._opened), (self._log, self._opened_log)):
            if opened is not None and _identity(path) != opened:
                raise Moved(
                    f"SQLite: {path.name} was renamed, deleted or replaced while the server had it "
                    "open. Put it back, or restart the server on the file that is to be used.",
                    retry_after_s=5,
                )  # fmt: skip


def _identity(path: Path) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - before and after every commit, and a third faster
    except OSError:
        return None
    return found.st_dev, found.st_ino


def complaint(error: object) -> str:
    """What SQLite says, and what is left to do where the file is damaged or none of its own."""
    return f"SQLite: {error}. {WAYS_OUT}" if is_unreadable(error) else f"SQLite: {error}."


def is_unreadable(error: object) -> bool:
    """Damaged, or no database: these have the plain class that all the others are made from."""
    return type(error) is sqlite3.DatabaseError
