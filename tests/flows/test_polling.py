"""The scheduled poll is the net below the worker: after it, nothing is overdue."""

from __future__ import annotations

from tallystick.domain.payment import Phase
from tallystick.flows.rescue import BATCH
from tallystick.flows.schedule import run
from tallystick.store import payments
from tests.store.rows import MINUTE, NOW, add, payment


async def test_a_poll_leaves_nothing_overdue_however_much_there_was(house):
    many = [
        payment(f"pay_{number:03}", phase=Phase.DRAFT, next_check_at=NOW - MINUTE)
        for number in range(BATCH + 1)
    ]
    await house.database.write(lambda tx: add(tx, *many))

    done = await run(house.hub, "poll-gateways")

    assert done.result == {"asked": BATCH + 1}
    assert await house.database.read(payments.next_due) > NOW
