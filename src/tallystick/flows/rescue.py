"""Rescue: what timers do, so that nothing waits for luck: finish offers, ask, expire."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.errors import HubError
from tallystick.domain.payment import Attempt, AttemptState, Payment, Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub
from tallystick.flows.offer import make_offer
from tallystick.flows.settle import settle
from tallystick.store import attempts, deliveries, inbox, jobs, payments, refunds, schedules

HELD_FOR: Final = timedelta(seconds=30)
BATCH: Final = 50
AT_ONCE: Final = 16
STUCK_AFTER: Final = timedelta(minutes=15)
_UNFINISHED_FOR: Final = timedelta(seconds=15)

log = structlog.get_logger()


async def ask_due(hub: Hub) -> int:
    """Look at every payment whose timer has run out; how many there were."""
    now = hub.now()
    due = await hub.database.write(lambda tx: payments.take_due(tx, now, now + HELD_FOR, BATCH))
    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_tend_gently(hub, payment_id, gate) for payment_id in due))
    return len(due)


async def tend(hub: Hub, payment_id: str) -> Snapshot | None:
    """Finish what was begun and never answered, then settle. Raises what they raise."""
    payment, tries = await hub.database.read(lambda tx: _with_attempts(tx, payment_id))
    if payment is None:
        return None
    now = hub.now()
    if payment.phase is Phase.OPEN and now < payment.expires_at:
        for attempt in tries:
            if _is_unfinished(attempt, now) and hub.gateway_of(attempt) is not None:
                await make_offer(hub, payment, attempt, alone=not payment.retriable)
    return await settle(hub, payment_id)


def _with_attempts(tx: Connection, payment_id: str) -> tuple[Payment | None, list[Attempt]]:
    return payments.find(tx, payment_id), attempts.of_payment(tx, payment_id)


def _is_unfinished(attempt: Attempt, now: datetime) -> bool:
    """Its create call has no known outcome, and is not just being made."""
    if attempt.state is AttemptState.SUBMITTING:
        return now - attempt.created_at > _UNFINISHED_FOR
    return attempt.state is AttemptState.UNKNOWN


async def _tend_gently(hub: Hub, payment_id: str, gate: asyncio.Semaphore) -> None:
    async with gate:
        now = hub.now()
        payment = await hub.database.read(lambda tx: payments.find(tx, payment_id))
        if payment is None:
            return
        if not hub.may_ask(payment.gateway, now):
            later = now + timedelta(seconds=1 + hub.luck())
            await hub.database.write(lambda tx: payments.postpone(tx, payment_id, later))
            return
        try:
            await tend(hub, payment_id)
        except HubError as error:
            log.warning("tending_failed", payment=payment_id, why=error.detail)
        except Exception:
            log.exception("tending_failed", payment=payment_id)


async def free_stuck(hub: Hub) -> dict[str, int]:
    """Ask again about payments that have been in flight, or unknown, for too long."""
    now = hub.now()
    stuck = await hub.database.read(lambda tx: payments.stuck(tx, now - STUCK_AFTER, BATCH))
    counted = {"looked_at": len(stuck), "freed": 0}
    for payment_id in stuck:
        try:
            snapshot = await tend(hub, payment_id)
        except HubError as error:
            log.warning("still_stuck", payment=payment_id, why=error.detail)
            continue
        counted["freed"] += snapshot is not None and snapshot.phase is not Phase.PROCESSING
    return counted


async def wake(hub: Hub) -> None:
    """After a downtime: ask about everything before anything expires.

    What a dead process held is taken up again, where no other process can be holding it.
    """
    now = hub.now()

    def body(tx: Connection) -> None:
        payments.ask_all_open(tx, now)
        if hub.database.dialect == "sqlite":
            inbox.let_go(tx, now)
            jobs.let_go(tx, now)
            deliveries.let_go(tx, now)
            refunds.let_go(tx, now)
            schedules.let_go(tx)

    await hub.database.write(body)
