"""Brings a database to the schema of this version. Forward only; safe to repeat."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tallystick.domain.errors import DatabaseUnavailable
from tallystick.private_files import make_private
from tallystick.store.database import refuse_no_place
from tallystick.store.known_state import FOLDER, HEAD, STEPS, step
from tallystick.store.own_file import complaint

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["HEAD", "config", "migrate", "version"]

# Any number; two servers that start together migrate one after the other.
_ADVISORY_LOCK: Final = 7_261_843


async def migrate(url: str) -> bool:
    """Apply what is missing, each step in a transaction of its own; False where nothing was.

    Raises DatabaseUnavailable, and NotConfigured for a database in a state that nobody knows.
    """
    try:
        if make_url(url).get_backend_name() == "sqlite":
            refuse_no_place(url)
            return _migrate_sqlite(url)
        return await _migrate_postgresql(url)
    except (DBAPIError, OSError, sqlite3.Error) as error:
        driver = getattr(error, "orig", None) or error
        why = complaint(driver) if isinstance(driver, sqlite3.Error) else str(driver)
        why = why.partition("\n")[0]
        raise DatabaseUnavailable(f"The database cannot be migrated: {why}") from error


def version(connection: Connection) -> str | None:
    """The step that the database stands at, or None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate_sqlite(url: str) -> bool:
    engine = create_engine(
        make_url(url).set(drivername="sqlite+pysqlite"),
        poolclass=NullPool,
        connect_args={"isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _write_ahead(connection: sqlite3.Connection, _: object) -> None:
        # Outside of any transaction: SQLite cannot change the mode inside one.
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    changed = False
    file = Path(make_url(url).database or "tallystick.db")
    with _alone(file):
        make_private(file)
        while True:
            with engine.begin() as connection:
                if not _upgrade(connection):
                    return changed
                _refuse_orphans(connection)
            changed = True


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Two servers that start together migrate one after the other: the folder is held."""
    folder = os.open(file.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _refuse_orphans(connection: Connection) -> None:
    """A step that makes a table anew has SQLite's foreign keys off, so they are checked here."""
    orphan = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if orphan is not None:
        raise DatabaseUnavailable(
            f"The database cannot be migrated: a row of {orphan[0]} would lose its {orphan[2]}."
        )


async def _migrate_postgresql(url: str) -> bool:
    # Brings the whole ORM with it, which SQLite has no use for.
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )

    changed = False
    try:
        async with engine.connect() as connection:
            # Held over all steps, and let go with the connection.
            await connection.execute(text(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})"))
            await connection.commit()
            while await connection.run_sync(_upgrade):
                await connection.commit()
                changed = True
        return changed
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> bool:
    """Take the next step; False where there is none."""
    found = step(connection)
    if found == HEAD:
        return False
    # Alembic is slow to import, and nearly every start finds nothing to do.
    from alembic import command

    after = STEPS[0] if found is None else STEPS[STEPS.index(found) + 1]
    command.upgrade(config(connection), after)
    return True


def config(connection: Connection) -> "Config":
    """Alembic's own settings, for this connection."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.attributes["connection"] = connection
    return made
