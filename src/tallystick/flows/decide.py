"""Decide: a person finishes a payment that no gateway will: accept, mark paid, close, review."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection

from tallystick.domain.credit import Credit
from tallystick.domain.decision import Action
from tallystick.domain.errors import Conflict, Invalid, NotFound
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.payment import Payment, Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import whole
from tallystick.flows.record import Answers, Heard, record
from tallystick.flows.settle import settle
from tallystick.store import decisions, ledger, payments

MANUAL: Final = "manual"
"""The gateway, and its account, of money that no gateway tells of."""

_ENDS: Final = {
    Phase.EXPIRED: Claim.CLOSED_EXPIRED,
    Phase.CANCELED: Claim.CLOSED_CANCELED,
}


@dataclass(frozen=True, slots=True)
class Why:
    """Who decides, and for which reason."""

    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class Received:
    """Money that came another way: how much, the bank's reference of it, and when."""

    amount: int
    bank_reference: str
    received_at: datetime | None = None


async def accept(hub: Hub, payment_id: str, why: Why) -> Snapshot:
    """What was received is enough: the payment becomes paid and is delivered.

    The gateway is asked first: the rest may have come. Raises NotFound, Conflict.
    """
    await settle(hub, payment_id)

    def body(tx: Connection, payment: Payment, now: datetime) -> Snapshot:
        _refuse_to_accept(tx, hub, payment)
        return _decide(tx, hub, payment, Action.ACCEPTED, _word(Claim.ACCEPTED, why, now), why)

    return await _write(hub, payment_id, body)


async def mark_paid(hub: Hub, payment_id: str, came: Received, why: Why) -> Snapshot:
    """Book money that no gateway tells of; it settles the payment as any other money would.

    The same bank reference with the same facts is not booked again. Raises NotFound, Conflict
    where the reference belongs to another payment or was booked with other facts, Invalid.
    """
    if came.received_at is not None and came.received_at > hub.now():
        words = "is not in the future"
        raise Invalid(f"receivedAt {words}.", (("receivedAt", words),))

    def body(tx: Connection, payment: Payment, now: datetime) -> Snapshot:
        at = came.received_at or now
        credit = Credit(MANUAL, MANUAL, came.bank_reference, came.amount, payment.currency, at)
        known = _booked(tx, payment, credit)
        if known is not None:
            if known.money == credit.money and came.received_at in {None, known.at}:
                return record(tx, hub, payment.id, [], Answers()).snapshot
            raise Conflict(
                f"The bank reference {came.bank_reference!r} was booked as {known.money} already; "
                "use the reference of the other transfer."
            )
        said = _word(Claim.SUCCEEDED, why, now, (credit,))
        return _decide(tx, hub, payment, Action.MARKED_PAID, said, why)

    return await _write(hub, payment_id, body)


async def close(
    hub: Hub, payment_id: str, end: Literal["expired", "canceled"], why: Why
) -> Snapshot:
    """End a payment that a gateway leaves in flight for ever; money that comes is still heard.

    The gateway is asked first: it may have finished it by now. Raises NotFound, Conflict.
    """
    await settle(hub, payment_id)

    def body(tx: Connection, payment: Payment, now: datetime) -> Snapshot:
        if payment.phase is not Phase.PROCESSING:
            raise Conflict(_NOT_IN_FLIGHT[payment.phase])
        said = _word(_ENDS[Phase(end)], why, now)
        return _decide(tx, hub, payment, Action.CLOSED, said, why)

    return await _write(hub, payment_id, body)


async def review(hub: Hub, payment_id: str, why: Why) -> Snapshot:
    """Looked at: the flag goes, the facts stay. Raises NotFound, Conflict where there is none."""

    def body(tx: Connection, payment: Payment, now: datetime) -> Snapshot:
        if payment.review is None:
            raise Conflict("Nothing about this payment waits for a person to look at.")
        return _decide(tx, hub, payment, Action.REVIEWED, _word(Claim.RESOLVED, why, now), why)

    return await _write(hub, payment_id, body)


_NOT_IN_FLIGHT: Final = {
    Phase.DRAFT: "The payment is a draft; cancel it instead.",
    Phase.OPEN: "The payment is open, with nothing in flight; cancel it instead.",
    Phase.PAID: "The payment is paid; give the money back by a refund instead.",
    Phase.EXPIRED: "The payment has expired already; there is nothing to close.",
    Phase.CANCELED: "The payment is canceled already; there is nothing to close.",
}


async def _write(
    hub: Hub, payment_id: str, body: Callable[[Connection, Payment, datetime], Snapshot]
) -> Snapshot:
    """The one transaction of a decision, and who hears of it."""
    now = hub.now()

    def decided(tx: Connection) -> Snapshot:
        payment = payments.lock(tx, payment_id)
        if payment is None:
            raise NotFound("There is no payment with this id that you may see.")
        return body(tx, payment, now)

    snapshot = await whole(hub, decided)
    hub.work_signal.ring()
    hub.live.publish(snapshot)
    return snapshot


def _decide(
    tx: Connection, hub: Hub, payment: Payment, action: Action, said: Evidence, why: Why
) -> Snapshot:
    """Log it first, so that the money never moves on a word that nobody can find."""
    decisions.add(
        tx, payment.id, action, (why.reason, why.actor), payment.id, said.observed_at
    )  # fmt: skip
    return record(tx, hub, payment.id, [Heard(said)], Answers()).snapshot


def _word(
    claim: Claim, why: Why, now: datetime, credits_: tuple[Credit, ...] = ()
) -> Evidence:  # fmt: skip
    return Evidence(
        Source.OPERATOR, Trust.OPERATOR, claim, observed_at=now, credits=credits_,
        counts=bool(credits_), note=why.reason,
    )  # fmt: skip


def _refuse_to_accept(tx: Connection, hub: Hub, payment: Payment) -> None:
    if payment.phase is Phase.PAID:
        raise Conflict("The payment is paid already; there is nothing to accept.")
    if payment.received <= 0:
        raise Conflict(
            f"No {payment.currency} has come, so there is nothing to accept. Where it came "
            "another way, mark the payment as paid."
        )
    if payment.unreturned.minor < payment.received:
        raise Conflict("Money of this payment goes back already; make a new payment instead.")
    if hub.fulfilments[payment.purpose].superseded(tx, payment):
        raise Conflict("What it is for was paid by another payment; give this money back.")


def _booked(tx: Connection, payment: Payment, credit: Credit) -> Credit | None:
    """The credit of this bank reference, if this payment has it. Raises Conflict."""
    others = ledger.owners(tx, [credit]) - {payment.id}
    if others:
        raise Conflict(
            f"The bank reference {credit.transaction_id!r} is booked for payment "
            f"{others.pop()} already."
        )
    mine = ledger.receipts_of(tx, [payment.id]).get(payment.id, [])
    return next((one for one in mine if one.name == credit.name), None)
