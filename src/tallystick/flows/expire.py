"""Expire: close offers whose deadline has passed, each after one last question."""

from tallystick.domain.errors import HubError
from tallystick.flows.hub import Hub
from tallystick.flows.settle import settle
from tallystick.store import payments

BATCH = 500


async def expire_overdue(hub: Hub) -> dict[str, int]:
    """The sweep behind the timers. Settling proves the deadline, or finds the money.

    What a gateway does not answer for stays open and is asked again.
    """
    counted = {"looked_at": 0, "expired": 0, "paid": 0, "left": 0}
    for payment_id in await hub.database.read(lambda tx: payments.overdue(tx, hub.now(), BATCH)):
        counted["looked_at"] += 1
        try:
            phase = (await settle(hub, payment_id)).phase
        except HubError:
            phase = None
        name = str(phase) if phase in ("expired", "paid") else "left"
        counted[name] += 1
    return counted
