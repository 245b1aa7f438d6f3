"""Reads the database of a running server from outside, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from typing import Any
from urllib.parse import quote

import asyncpg


def read(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows of one statement."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()
    found: list[tuple[Any, ...]] = []
    # In a thread of its own: the browser's tests have an event loop running already.
    thread = threading.Thread(target=lambda: found.extend(asyncio.run(fetch(url, statement))))
    thread.start()
    thread.join()
    return found


async def fetch(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The same from PostgreSQL."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()
