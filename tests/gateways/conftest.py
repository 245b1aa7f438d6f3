"""Fixtures of the gateway tests: the hub's stand-in, and our own connection to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tallystick.gateways.base import Wire
from tallystick.gateways.wire import HttpWire
from tests.gateways.hub_stand_in import HubStandIn
from tests.gateways.hub_stand_in import hub_stand_in as opened


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubStandIn]:
    """All simulators on a real socket, and a hub that listens."""
    async with opened(tmp_path) as here:
        yield here


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """Our own HTTP connection, with a patience that outlasts everything but a hang."""
    connection = HttpWire(timeout_s=3.0)
    yield connection
    await connection.close()
