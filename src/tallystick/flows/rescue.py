"""Rescue: what timers do, so that nothing waits for luck: finish offers, ask, expire."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.clocks import LARGEST_DIFFERENCE
from tallystick.domain.errors import HubError
from tallystick.domain.payment import Attempt, AttemptState, Payment, Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.circuit import Circuit
from tallystick.flows.hub import Hub
from tallystick.flows.offer import make_offer
from tallystick.flows.pace import budget_of
from tallystick.flows.settle import settle
from tallystick.gateways.base import Gateway
from tallystick.store import (
    attempts,
    budgets,
    credits,
    deliveries,
    effects,
    inbox,
    payments,
    questions,
    readings,
    refunds,
    schedules,
    timers,
)

HELD_FOR: Final = timedelta(seconds=30)
BATCH: Final = 50
MOST_LINKS: Final = 500
SHOWN: Final = 20
AT_ONCE: Final = 8
HELD_AFTER_JUMP: Final = timedelta(minutes=1)
STUCK_AFTER: Final = timedelta(minutes=15)
_UNFINISHED_FOR: Final = timedelta(seconds=15)

log = structlog.get_logger()


def lines_due(tx: Connection, hub: Hub) -> dict[str, datetime]:
    """When each gateway's line has its next question that may be put.

    Where nothing is due, one probe tells so; where much is due and there is no token, nothing
    happens before there is one.
    """
    now = hub.now()
    first = payments.next_due(tx)
    if first is None or first > now:
        return {} if first is None else {questions.NOBODY: first}
    dues: dict[str, datetime] = {}
    for line in questions.lines(tx):
        at = questions.next_due(tx, line)
        circuit = hub.circuit(line)
        if at is None or not circuit.room:
            continue
        gateway = _asked_at(hub, line)
        if gateway is not None:
            budget = budget_of(budgets.find, tx, gateway)
            at = max(at, budget.next_share(now, circuit.owed))
        dues[line] = at
    return dues


async def ask_due(hub: Hub, line: str) -> int:
    """Look at the payments of one gateway's line whose timers have run out; how many there were.

    As many as its budget has tokens for. They are taken and paid in one transaction; the others
    stay as they are, and nothing is written about them.
    """
    circuit, now = hub.circuit(line), hub.now()
    asked_at = _asked_at(hub, line)
    room = min(BATCH, circuit.room) if asked_at else BATCH
    owed = circuit.owed
    circuit.taken += room
    due: list[str] = []
    try:
        due, paid = await hub.database.write(lambda tx: _take(tx, hub, line, room, owed, now))
        circuit.owed -= paid
    finally:
        circuit.taken -= room - len(due)
    await asyncio.gather(*(_tend_taken(hub, payment_id, circuit, asked_at) for payment_id in due))
    return len(due)


def _take(
    tx: Connection, hub: Hub, line: str, room: int, owed: int, now: datetime
) -> tuple[list[str], int]:
    """Hold the most urgent, and spend what their questions cost."""
    until, watched = now + HELD_FOR, hub.live.watched
    gateway = _asked_at(hub, line)
    if gateway is None:
        return questions.take_due(tx, line, now, until, room, watched=watched), 0
    budget = budget_of(budgets.lock, tx, gateway)
    most = min(room, budget.share(now, owed))
    due = questions.take_due(tx, line, now, until, most, asked=budget.asked, watched=watched)
    if not due:
        return [], 0
    spent, paid = budget.spend(now, len(due), owed)
    budgets.keep(tx, gateway.name, gateway.account, spent)
    return due, paid


def _asked_at(hub: Hub, line: str) -> Gateway | None:
    """The gateway that is asked about each payment of a line, if one is."""
    gateway = hub.gateways.get(line)
    return gateway if gateway is not None and gateway.capabilities.asks_each else None


async def tend(hub: Hub, payment_id: str) -> Snapshot | None:
    """Finish what was begun and never answered, then settle. Raises what they raise."""
    payment, tries = await hub.database.read(lambda tx: _with_attempts(tx, payment_id))
    if payment is None:
        return None
    now, made = hub.now(), False
    if payment.phase is Phase.OPEN and now < payment.expires_at:
        for attempt in tries:
            if _is_unfinished(attempt, now) and hub.gateway_of(attempt) is not None:
                await make_offer(hub, payment, attempt, alone=not payment.retriable)
                made = True
    settled = await settle(hub, payment_id)
    if made:
        # Whoever waits on its page for the code is not left to the page's next question.
        hub.live.publish(settled)
    return settled


def _with_attempts(tx: Connection, payment_id: str) -> tuple[Payment | None, list[Attempt]]:
    return payments.find(tx, payment_id), attempts.of_payment(tx, payment_id)


def _is_unfinished(attempt: Attempt, now: datetime) -> bool:
    """Its create call has no known outcome, and is not just being made."""
    if attempt.state is AttemptState.SUBMITTING:
        return now - attempt.created_at > _UNFINISHED_FOR
    return attempt.state is AttemptState.UNKNOWN


async def _tend_taken(
    hub: Hub, payment_id: str, circuit: Circuit, asked_at: Gateway | None
) -> None:
    # The budget has paid for this question already.
    circuit.owed -= asked_at is not None
    try:
        await tend(hub, payment_id)
    except HubError as error:
        log.warning("tending_failed", payment=payment_id, why=error.detail)
    except Exception:
        log.exception("tending_failed", payment=payment_id)
    finally:
        circuit.taken -= 1


async def free_stuck(hub: Hub) -> dict[str, int]:
    """Ask again about payments that have been in flight, or unknown, for too long.

    And about links that stay open although their payer chose a gateway long ago; how many there
    are, how many are stuck no more, and how many are left.
    """
    before = hub.now() - STUCK_AFTER

    def body(tx: Connection) -> tuple[list[str], list[str]]:
        links = payments.hanging_links(tx, before, MOST_LINKS)
        return payments.stuck(tx, before, BATCH), links

    in_flight, links = await hub.database.read(body)
    stuck = list(dict.fromkeys([*in_flight, *links]))
    tended = await sweep(hub, stuck, tend)
    freed = sum(one is not None and not _is_stuck(one) for one in tended)
    counted = {"found": len(stuck), "freed": freed, "left": len(stuck) - freed}
    if links:
        log.warning("stuck_payment_links", count=len(links), links=links[:SHOWN], **counted)
    return counted


def _is_stuck(payment: Snapshot) -> bool:
    if payment.phase is Phase.OPEN:
        unknown = payment.attempt is not None and payment.attempt.state is AttemptState.UNKNOWN
        return unknown or payment.link is not None
    return payment.phase is Phase.PROCESSING


async def sweep(
    hub: Hub,
    ids: Sequence[str],
    look: Callable[[Hub, str], Awaitable[Snapshot | None]],
) -> list[Snapshot | None]:
    """Look at many payments side by side, at each gateway as many as its budget has tokens for.

    None for those that were left to their timers, or whose gateway gave no answer. A gateway that
    does not answer holds up nobody but its own.
    """
    gates = {line: asyncio.Semaphore(AT_ONCE) for line in (*hub.gateways, questions.NOBODY)}
    free = await hub.database.write(lambda tx: _spend_on(tx, hub, ids))

    async def one(payment_id: str) -> Snapshot | None:
        line = free.get(payment_id)
        if line is None:
            return None
        async with gates[line]:
            if hub.circuit(line).closed_to_us:
                return None
            hub.circuit(line).owed -= _asked_at(hub, line) is not None
            try:
                return await look(hub, payment_id)
            except HubError as error:
                log.warning("sweep_left", payment=payment_id, why=error.detail)
                return None

    return await asyncio.gather(*map(one, ids))


def _spend_on(tx: Connection, hub: Hub, ids: Sequence[str]) -> dict[str, str]:
    """Of these payments, those that may be asked about now, with the line that each is in."""
    free: dict[str, str] = {}
    by_line: dict[str, list[str]] = {}
    now = hub.now()
    for payment_id, name in payments.gateways_of(tx, ids).items():
        line = name if name is not None and name in hub.gateways else questions.NOBODY
        by_line.setdefault(line, []).append(payment_id)
    for line, waiting in by_line.items():
        gateway = _asked_at(hub, line)
        taken = waiting
        if gateway is not None:
            budget = budget_of(budgets.lock, tx, gateway)
            taken = waiting[: budget.left(now)]
            if taken:
                budgets.keep(tx, line, gateway.account, budget.spend(now, len(taken), 0)[0])
        free.update(dict.fromkeys(taken, line))
    return free


async def wake(hub: Hub, *, jumped: bool = False) -> None:
    """After a downtime, or once the clock has `jumped`: ask about everything before it expires.

    A newest payment that is still to come says that the clock was set back meanwhile. What a dead
    process held is taken up again, where no other process can be holding it.
    """
    now = hub.now()
    newest = await hub.database.read(payments.newest)
    jumped = jumped or (newest is not None and newest > now + LARGEST_DIFFERENCE)
    if jumped:
        hub.expiry_held_until = now + HELD_AFTER_JUMP
        hub.gateway_clocks.forget()

    def body(tx: Connection) -> None:
        payments.ask_all_open(tx, now)
        timers.pull_back(tx, now, jumped=jumped)
        if hub.database.dialect == "sqlite":
            inbox.let_go(tx, now)
            credits.let_go(tx, now)
            readings.let_go(tx, now)
            effects.let_go(tx, now)
            deliveries.let_go(tx, now)
            refunds.let_go(tx, now)
            schedules.let_go(tx)

    await hub.database.write(body)
