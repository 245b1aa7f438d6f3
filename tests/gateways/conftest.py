"""Fixtures of the gateway tests: the theatre, and our own connection to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tallystick.gateways.base import Wire
from tallystick.gateways.wire import HttpWire
from tests.gateways.theatre import Theatre
from tests.gateways.theatre import theatre as opened


@pytest.fixture
async def theatre(tmp_path: Path) -> AsyncIterator[Theatre]:
    """All simulators on a real socket, and a hub that listens."""
    async with opened(tmp_path) as here:
        yield here


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """Our own HTTP connection, with a patience that outlasts everything but a hang."""
    connection = HttpWire(timeout_s=3.0)
    yield connection
    await connection.close()
