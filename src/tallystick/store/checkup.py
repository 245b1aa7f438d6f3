"""What is asked of a database itself: which program it is, what time it has, whether it writes."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from tallystick.store import clock_doubts, inbox
from tallystick.store.migrate import version
from tallystick.store.schema.core import payments

_NEWEST = select(func.max(payments.c.created_at))


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What the books stand on. `newest` is when the last payment was made."""

    dialect: str
    program: str
    version: tuple[int | str, ...]
    step: str | None
    now: datetime
    newest: datetime | None


def database_facts(tx: Connection) -> DatabaseFacts:
    """Ask it. SQLite has no clock of its own."""
    dialect = tx.dialect.name
    if dialect == "sqlite":
        number: tuple[int | str, ...] = sqlite3.sqlite_version_info
        now = datetime.now(UTC)
        program = f"SQLite {sqlite3.sqlite_version}"
    else:
        number = tuple(tx.dialect.server_version_info or ())
        now = tx.execute(select(func.now())).scalar_one().astimezone(UTC)
        program = f"PostgreSQL {'.'.join(map(str, number))}"
    newest = tx.execute(_NEWEST).scalar()
    return DatabaseFacts(dialect, program, number, version(tx), now, newest)


def write_and_take_back(tx: Connection, holders: Sequence[str]) -> list[int]:
    """Write a row and take it away again; how many notices wait, for each who asked.

    Asked by many at once, one commit answers them all. Fails where nothing can be written.
    """
    name, now = f"{holders[0]} ready", datetime.now(UTC)
    clock_doubts.note(tx, name, "Whether anything can be written.", now)
    clock_doubts.note(tx, name, None, now)
    return [inbox.waiting(tx)] * len(holders)
