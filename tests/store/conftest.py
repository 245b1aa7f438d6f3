"""Fixtures of the store's tests: an open database, and a house with one gateway in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tallystick.store.connect import open_database
from tallystick.store.database import Database
from tests.store.house import House


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database of this test's own, as the server opens it."""
    opened = open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def house(database: Database) -> House:
    """All flows on the real store, with a gateway in memory and a clock that stands still."""
    return House(database)
