"""Expire: close offers whose deadline has passed, each after one last question."""

from typing import Final

from tallystick.flows.hub import Hub
from tallystick.flows.rescue import sweep
from tallystick.flows.settle import settle
from tallystick.store import payments

BATCH: Final = 500


async def expire_overdue(hub: Hub) -> dict[str, int]:
    """The sweep behind the timers. Settling proves the deadline, or finds the money.

    What a gateway does not answer for, or has no token for, stays open and is asked by its timer.
    """
    counted = {"looked_at": 0, "expired": 0, "paid": 0, "left": 0}
    ids = await hub.database.read(lambda tx: payments.overdue(tx, hub.now(), BATCH))
    for snapshot in await sweep(hub, ids, settle):
        phase = None if snapshot is None else str(snapshot.phase)
        counted["looked_at"] += 1
        counted[phase if phase in {"expired", "paid"} else "left"] += 1
    return counted
