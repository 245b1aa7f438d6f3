"""Fixtures: a house whose merchant has systems on this machine that want to hear of everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tallystick.store.database import Database
from tests.events.receiver import Receiver, receiving
from tests.store.conftest import database
from tests.store.house import House

__all__ = ["database"]


@pytest.fixture
def house(database: Database) -> House:
    """All flows on the real store; calls to this machine are allowed, as under `dev`."""
    made = House(database)
    made.hub.sandbox = True
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A merchant's system that accepts everything until a test says otherwise."""
    with receiving() as found:
        yield found
