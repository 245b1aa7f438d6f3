"""Send a refund to its gateway, and ask about it by the same key until its fate is known."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from tallystick.domain import schedule
from tallystick.domain.errors import (
    GatewayRefused,
    GatewayUnavailable,
    HubError,
    RaceLost,
)
from tallystick.domain.payment import Attempt
from tallystick.domain.refund import ASKED, Refund, RefundSignal, RefundSource, RefundState
from tallystick.flows.book_refund import LEASE, hear, move, taken
from tallystick.flows.circuit import Circuit
from tallystick.flows.hub import Hub
from tallystick.flows.pace import budget_of
from tallystick.flows.record import note_what_is_owed
from tallystick.flows.settle import reference_of
from tallystick.gateways.abilities import RefundOrder, Refunds, RefundVerdict
from tallystick.store import attempts, budgets, refunds, snapshots

BATCH: Final = 50
AT_ONCE: Final = 8
PATIENCE: Final = timedelta(minutes=1)
"""How long a call whose answer was lost may still take effect. Only then is it made again."""

log = structlog.get_logger()


async def tend_refunds(hub: Hub) -> int:
    """Send, or ask about, every refund whose timer has run out; how many there were."""
    lines = await hub.database.read(refunds.lines)
    return sum(await asyncio.gather(*(tend_line(hub, line) for line in lines)))


def lines_due(tx: Connection, hub: Hub) -> dict[str, datetime]:
    """When each gateway's next refund is due that may be sent or asked about."""
    dues, now = refunds.lines(tx), hub.now()
    for line, at in dues.items():
        gateway = hub.gateways.get(line)
        if at <= now and gateway is not None:
            dues[line] = budget_of(budgets.find, tx, gateway).next_share(now, 0)
    return {line: at for line, at in dues.items() if hub.circuit(line).room}


async def tend_line(hub: Hub, line: str) -> int:
    """Those of one gateway, as many as its budget has tokens for; how many there were."""
    circuit, now = hub.circuit(line), hub.now()
    room = min(BATCH, circuit.room)
    circuit.taken += room
    due: list[str] = []
    try:
        due = await hub.database.write(lambda tx: _take(tx, hub, line, room, now))
    finally:
        circuit.taken -= room - len(due)
    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_tend_taken(hub, refund_id, circuit, gate) for refund_id in due))
    return len(due)


def _take(tx: Connection, hub: Hub, line: str, room: int, now: datetime) -> list[str]:
    gateway = hub.gateways.get(line)
    if gateway is None:
        return refunds.take_due(tx, line, now, now + LEASE, room)
    budget = budget_of(budgets.lock, tx, gateway)
    due = refunds.take_due(tx, line, now, now + LEASE, min(room, budget.left(now)))
    if due:
        budgets.keep(tx, line, gateway.account, budget.spend(now, len(due), 0)[0])
    return due


async def send(hub: Hub, refund_id: str) -> None:
    """Take one refund a step further. Safe to call any number of times.

    It is made once: the gateway knows it by our id, and is asked for that id before it is told
    again. A gateway that cannot be reached leaves it `unknown`; that is not an error.
    """
    async with hub.alone(refund_id):
        refund, attempt = await hub.database.read(lambda tx: _with_attempt(tx, refund_id))
        if refund is None or attempt is None or refund.state not in ASKED:
            return
        gateway: object = hub.account(refund.gateway, refund.account)
        if not isinstance(gateway, Refunds):
            await _later(hub, refund, "The gateway is not set up any more.")
            return
        order = RefundOrder(
            refund.id, reference_of(attempt), refund.transaction_id, refund.money, refund.reason
        )
        if refund.state is RefundState.RESERVED:
            await _tell(hub, gateway, refund, order)
        else:
            await _ask(hub, gateway, refund, order)


async def _tell(hub: Hub, gateway: Refunds, refund: Refund, order: RefundOrder) -> None:
    """Write down that it is sent, send it, and write down what came of it."""
    if not await hub.database.write(lambda tx: _sent(tx, hub, refund, hub.now())):
        return
    try:
        verdict = await gateway.refund(order)
    except GatewayRefused as error:
        await _refused(hub, refund, error.detail)
    except GatewayUnavailable as error:
        await _unheard(hub, refund, error.detail)
    else:
        await _heard(hub, refund, verdict)


def _sent(tx: Connection, hub: Hub, refund: Refund, now: datetime) -> bool:
    """Whether it is still ours to send: it may have been taken back at this very moment."""
    current = taken(tx, refund.id)
    if current is None or current.state is not refund.state:
        return False
    if current.state is not RefundState.SUBMITTING:
        move(tx, hub, current, RefundSignal.SENT, "The gateway is told.", now, sent_at=now)
    return True


async def _ask(hub: Hub, gateway: Refunds, refund: Refund, order: RefundOrder) -> None:
    """It was sent, and we do not know what came of it, or it is still under way there."""
    try:
        verdict = await _found(gateway, refund, order)
    except GatewayUnavailable as error:
        await _unheard(hub, refund, error.detail)
        return
    if verdict is not None:
        await _heard(hub, refund, verdict)
    elif refund.state is RefundState.PENDING or _may_still_arrive(refund, hub.now()):
        await _unheard(hub, refund, "The gateway knows nothing of it yet.")
    else:
        await _tell(hub, gateway, refund, order)


async def _found(gateway: Refunds, refund: Refund, order: RefundOrder) -> RefundVerdict | None:
    """One of ours is known there by our id; one of the dashboard by the gateway's own alone."""
    if refund.source is RefundSource.MERCHANT:
        return await gateway.find_refund(order)
    there = await gateway.fetch_refunds(order.attempt)
    return next((one for one in there if one.provider_id == refund.provider_id), None)


def _may_still_arrive(refund: Refund, now: datetime) -> bool:
    return now - (refund.sent_at or refund.created_at) < PATIENCE


async def _heard(hub: Hub, refund: Refund, verdict: RefundVerdict) -> None:
    now = hub.now()

    def body(tx: Connection) -> Refund:
        current = taken(tx, refund.id) or refund
        after = hear(tx, hub, current, verdict, now)
        if after.state is RefundState.FAILED:
            note_what_is_owed(tx, hub, after.payment_id, now)
        return after

    after = await hub.database.write(body)
    if after.state in ASKED:
        await _later(hub, after, None)
    await _publish(hub, after)


async def _refused(hub: Hub, refund: Refund, why: str) -> None:
    now = hub.now()

    def body(tx: Connection) -> None:
        current = taken(tx, refund.id)
        if current is not None and current.state is RefundState.SUBMITTING:
            move(tx, hub, current, RefundSignal.FAILED, why, now, failure=why)
            note_what_is_owed(tx, hub, current.payment_id, now)

    await hub.database.write(body)


async def _unheard(hub: Hub, refund: Refund, why: str) -> None:
    """No usable answer: it may have been done. Nothing but the gateway's books decides."""
    now = hub.now()
    hub.note_gateway_error(refund.gateway, why)
    log.warning("refund_unknown", refund=refund.id, gateway=refund.gateway, why=why)

    def body(tx: Connection) -> Refund | None:
        current = taken(tx, refund.id)
        if current is not None and current.state is RefundState.SUBMITTING:
            return move(tx, hub, current, RefundSignal.UNHEARD, why, now, failure=why)
        return current

    after = await hub.database.write(body)
    if after is not None:
        await _later(hub, after, why)


async def _later(hub: Hub, refund: Refund, why: str | None) -> None:
    at = schedule.retry_at(refund.tries, hub.now(), hub.jitter())
    await hub.database.write(lambda tx: refunds.later(tx, refund.id, at, why))
    hub.work_signal.ring()


async def _publish(hub: Hub, refund: Refund) -> None:
    if refund.state is RefundState.SUCCEEDED:
        snapshot = await hub.database.read(lambda tx: snapshots.find(tx, refund.payment_id))
        if snapshot is not None:
            hub.live.publish(snapshot)


async def _tend_taken(hub: Hub, refund_id: str, circuit: Circuit, gate: asyncio.Semaphore) -> None:
    try:
        async with gate:
            await send(hub, refund_id)
    except RaceLost:
        return
    except HubError as error:
        log.warning("refund_failed", refund=refund_id, why=error.detail)
    except Exception:
        log.exception("refund_failed", refund=refund_id)
    finally:
        circuit.taken -= 1


def _with_attempt(tx: Connection, refund_id: str) -> tuple[Refund | None, Attempt | None]:
    refund = refunds.find(tx, refund_id)
    if refund is None:
        return None, None
    tries = attempts.of_payment(tx, refund.payment_id)
    return refund, next((one for one in tries if one.id == refund.attempt_id), None)
