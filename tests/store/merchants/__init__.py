"""A small merchant's database as released versions left it, to be migrated by later ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tallystick.store.migrate import config
from tests.infra.postgres import execute

HERE = Path(__file__).parent


async def at_step(url: str, step: str) -> None:
    """Bring an empty database to a step, and no further."""
    await within(url, lambda tx: command.upgrade(config(tx), step))


async def load(url: str, step: str) -> None:
    """The merchant's rows, as they stood in a database of that step. They are never changed."""
    await at_step(url, step)
    kind = make_url(url).get_backend_name()
    rows = (HERE / f"merchant_{step}.{kind}.sql").read_text()
    if kind == "sqlite":
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(rows)
        return
    await execute(url, rows)


async def within(url: str, body: Callable[[Connection], object]) -> None:
    """Run a body in one transaction, without a hub around it."""
    if url.startswith("sqlite"):
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as tx:
            body(tx)
        engine.dispose()
        return
    far = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    async with far.begin() as connection:
        await connection.run_sync(body)
    await far.dispose()


def every_row(tx: Connection, columns: dict[str, list[str]]) -> dict[str, list[tuple[str, ...]]]:
    """What stands in these columns, as text, in an order of its own."""
    found = {}
    for table, names in columns.items():
        rows = tx.execute(text(f"SELECT {', '.join(names)} FROM {table}"))
        found[table] = sorted(tuple(str(value) for value in row) for row in rows)
    return found
