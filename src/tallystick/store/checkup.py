"""What `tallystick doctor` asks of a database: which program, which version, what time it is."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from tallystick.store.migrate import version
from tallystick.store.schema.core import payments

_NEWEST = select(func.max(payments.c.created_at))


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground that the books stand on. `newest` is when the last payment was made."""

    dialect: str
    program: str
    version: tuple[int | str, ...]
    step: str | None
    now: datetime
    newest: datetime | None


def ground(tx: Connection) -> Ground:
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
    return Ground(dialect, program, number, version(tx), now, newest)
