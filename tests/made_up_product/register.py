"""Register: each certificate gets the next line of the register, after its sale."""

from typing import Any

from tallystick.flows.hub import Hub
from tests.made_up_product import rows


async def register_certificate(hub: Hub, payload: dict[str, Any]) -> None:
    """The lines have no gaps, so they are given one by one, and no payer waits for that.

    Safe to repeat.
    """
    await hub.database.write(lambda tx: rows.register(tx, payload["donationId"]))
