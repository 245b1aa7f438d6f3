"""Brings a database to the schema of this version. Forward only; safe to repeat."""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tallystick.domain.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0004"
_FOLDER: Final = Path(__file__).parent / "migrations"
# Any number; two servers that start together migrate one after the other.
_ADVISORY_LOCK: Final = 7_261_843


async def migrate(url: str) -> bool:
    """Apply what is missing; False where nothing was. Raises DatabaseUnavailable."""
    try:
        if make_url(url).get_backend_name() == "sqlite":
            return _migrate_sqlite(url)
        return await _migrate_postgresql(url)
    except (DBAPIError, OSError, sqlite3.Error) as error:
        why = str(getattr(error, "orig", None) or error).partition("\n")[0]
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

    with engine.begin() as connection:
        return _upgrade(connection)


async def _migrate_postgresql(url: str) -> bool:
    # Brings the whole ORM with it, which SQLite has no use for.
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )

    def upgrade(connection: Connection) -> bool:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        return _upgrade(connection)

    try:
        async with engine.begin() as connection:
            return await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> bool:
    found = version(connection)
    if found == HEAD:
        return False
    # Alembic is slow to import, and nearly every start finds nothing to do.
    from alembic import command

    command.upgrade(config(connection), HEAD)
    return True


def config(connection: Connection) -> "Config":
    """Alembic's own settings, for this connection."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    made.attributes["connection"] = connection
    return made
