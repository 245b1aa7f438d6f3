"""What a refund does inside a transaction: reserve, move, book what others made."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import structlog
from sqlalchemy import Connection

from tallystick.domain import ledger as accounts
from tallystick.domain.answer_types import Amount
from tallystick.domain.errors import RaceLost
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.payment import Attempt, Payment, Phase
from tallystick.domain.refund import (
    ASKED,
    HOLDING,
    REFUND_MOVES,
    Refund,
    RefundSignal,
    RefundSource,
    RefundState,
)
from tallystick.flows.hub import Hub
from tallystick.flows.raw_bytes import sealed
from tallystick.gateways.abilities import RefundVerdict
from tallystick.store import ledger, outbox, payments, receipts, refunds
from tallystick.store.outbox import News

LEASE: Final = timedelta(minutes=2)
"""How long whoever sends a refund, or asks about it, has it for itself."""

_NEWS: Final[Mapping[RefundState, str]] = {
    RefundState.RESERVED: "refund.requested",
    RefundState.MANUAL: "refund.manual",
    RefundState.PENDING: "refund.pending",
    RefundState.SUCCEEDED: "refund.succeeded",
    RefundState.FAILED: "refund.failed",
    RefundState.CANCELED: "refund.canceled",
}

log = structlog.get_logger()


def taken(tx: Connection, refund_id: str) -> Refund | None:
    """The refund, held with its payment: always in this order, so that nobody waits in a circle."""
    known = refunds.find(tx, refund_id)
    if known is None:
        return None
    payments.lock(tx, known.payment_id)
    return refunds.lock(tx, refund_id)


def begin(
    tx: Connection, hub: Hub, refund: Refund, signal: RefundSignal, why: str, now: datetime,
    **changes: Any,
) -> Refund:  # fmt: skip
    """Write a new refund, whose money is reserved, and make its first move.

    Raises InsufficientFunds where a wallet or gift card has less than it takes.
    """
    refunds.add(tx, refund)
    payment = _payment(tx, refund)
    delivered = refund.delivered.minor
    account = hub.fulfilments[payment.purpose].account(tx, payment) if delivered else ""
    forgiven = _forgiven(tx, payment, refund, account, delivered)
    shares = ((account, delivered + forgiven), (accounts.SHORTFALL, -forgiven))
    _hold(tx, hub, refund, refund.id, shares, now)
    return move(tx, hub, refund, signal, why, now, **changes)


def _forgiven(tx: Connection, payment: Payment, refund: Refund, account: str, taken: int) -> int:
    """What was delivered beyond what came, and goes with the last of the money that goes back.

    So a card that was accepted for a little less is empty once all of it went back. Of a wallet or
    gift card only what is still there.
    """
    if not refund.delivered.minor or payment.unreturned.minor:
        return 0
    lost = ledger.standing(tx, payment.id, accounts.SHORTFALL, payment.currency)
    if accounts.is_guarded(account):
        lost = min(lost, ledger.balance(tx, account).get(payment.currency, 0) - taken)
    return max(lost, 0)


def _hold(
    tx: Connection, hub: Hub, refund: Refund, subject: str,
    delivered: tuple[tuple[str, int], ...], now: datetime,
) -> None:  # fmt: skip
    """Take the money from where it stands, so that nobody can spend it any more."""
    payment = _payment(tx, refund)
    takings = ((accounts.SUSPENSE, refund.undelivered), *delivered)
    ledger.post(tx, accounts.refund_held(subject, payment.id, refund.money, takings), now)
    if refund.delivered.minor:
        hub.fulfilments[payment.purpose].hold(tx, payment, refund.delivered, now)


def _hold_gone(tx: Connection, hub: Hub, refund: Refund, subject: str, now: datetime) -> None:
    """The same where the money has left already: what was spent meanwhile is our loss."""
    payment = _payment(tx, refund)
    delivered = refund.delivered.minor
    if not delivered:
        return _hold(tx, hub, refund, subject, (), now)
    account = hub.fulfilments[payment.purpose].account(tx, payment)
    there = delivered
    if accounts.is_guarded(account):
        there = min(delivered, ledger.balance(tx, account).get(refund.currency, 0))
    if there < delivered:
        log.error("refund_uncovered", refund=refund.id, minor=delivered - there)
    forgiven = _forgiven(tx, payment, refund, account, there)
    shares = (
        (account, there + forgiven), (accounts.UNCOVERED, delivered - there),
        (accounts.SHORTFALL, -forgiven),
    )  # fmt: skip
    return _hold(tx, hub, refund, subject, shares, now)


def move(  # noqa: PLR0913 - one for each thing to write
    tx: Connection,
    hub: Hub,
    refund: Refund,
    signal: RefundSignal,
    why: str,
    now: datetime,
    *,
    raw: bytes = b"",
    **changes: Any,
) -> Refund:
    """Move a refund by the table, with everything that follows. Raises RaceLost.

    What follows: the promise is kept or taken back, the money moves in the books, what was bought
    is revoked, the merchant's systems are told.
    """
    after_state = REFUND_MOVES[refund.state, signal]
    over = after_state not in HOLDING
    after = replace(
        refund,
        state=after_state,
        updated_at=now,
        closed_at=now if over else None,
        **{"next_check_at": _timer(after_state, now), **changes},
    )
    line = refunds.move(tx, refund, after, signal, why, sealed(hub, raw))
    if line is None:
        raise RaceLost("Another writer moved this refund first.")
    _follow(tx, hub, refund, after, line, now)
    if after_state in _NEWS:
        key = f"{refund.id}/{line}"
        news = News(_NEWS[after_state], key, refund.id, document(after), refund.payment_id)
        outbox.tell(tx, news, now)
    return after


def _timer(state: RefundState, now: datetime) -> datetime | None:
    return now + LEASE if state in ASKED else None


def _follow(
    tx: Connection, hub: Hub, before: Refund, after: Refund, line: int, now: datetime
) -> None:
    """The effects of the move, in the transaction of the move."""
    if after.state is RefundState.SUCCEEDED:
        subject = after.id
        if before.state is RefundState.FAILED:
            # One that came back and went through all the same is booked a second time.
            subject = f"{after.id}/{line}"
            _hold_gone(tx, hub, after, subject, now)
        refunds.spend(tx, _payment(tx, after), after.money, now)
        ledger.post(
            tx, accounts.refunded(subject, after.payment_id, after.gateway, after.money), now
        )
        _revoke(tx, hub, after, subject, now)
    elif before.state is RefundState.SUCCEEDED:
        refunds.unspend(tx, _payment(tx, after), after.money, now)
        back = (f"{after.id}/{line}", after.payment_id, after.gateway, after.money)
        ledger.post(tx, accounts.refund_reversed(*back), now)
    elif after.state in {RefundState.FAILED, RefundState.CANCELED}:
        _release(tx, hub, after, line, now)


def _revoke(tx: Connection, hub: Hub, refund: Refund, subject: str, now: datetime) -> None:
    if refund.delivered.minor:
        payment = _payment(tx, refund)
        bought = _worth(tx, refund, subject)
        hub.fulfilments[payment.purpose].revoke(
            tx, payment, bought, now, keep_access=refund.keep_access
        )


def _worth(tx: Connection, refund: Refund, subject: str) -> Money:
    """What the refund took from what was delivered, with what had been forgiven of its price."""
    held = ledger.postings_of(tx, "refund_hold", subject)
    taken = (one.amount.minor for one in held if one.account != accounts.SUSPENSE)
    return Money(sum(minor for minor in taken if minor > 0), refund.currency)


def _release(tx: Connection, hub: Hub, refund: Refund, line: int, now: datetime) -> None:
    """Everything goes back to just where it was taken from."""
    payment = _payment(tx, refund)
    refunds.release(tx, payment, refund.money)
    held = ledger.postings_of(tx, "refund_hold", refund.id)
    subject = f"{refund.id}/{line}"
    ledger.post(tx, accounts.refund_released(subject, refund.payment_id, held), now)
    if refund.delivered.minor:
        hub.fulfilments[payment.purpose].release(tx, payment, refund.delivered, now)


def hear(tx: Connection, hub: Hub, refund: Refund, verdict: RefundVerdict, now: datetime) -> Refund:
    """Bring a refund in line with what the gateway's books say. Safe to repeat."""
    signal = RefundSignal(verdict.claim)
    if (refund.state, signal) == (RefundState.SUCCEEDED, RefundSignal.CANCELED):
        # However the gateway words it: what had gone back is here again.
        signal = RefundSignal.FAILED
    if (refund.state, signal) not in REFUND_MOVES:
        return refund
    if verdict.amount != refund.money:
        log.error("refund_differs", refund=refund.id, ours=str(refund.money),
                  theirs=str(verdict.amount))  # fmt: skip
        return refund
    if refund.state is RefundState.FAILED and not refunds.reserve(
        tx, _payment(tx, refund), refund.money
    ):
        # It was refunded otherwise by now; reconciliation shows the difference to a person.
        log.error("refund_unbooked", refund=refund.id, why="Nothing is left of the payment.")
        return refund
    changes: dict[str, Any] = {"provider_id": verdict.provider_id, "failure": None}
    why = f"The gateway says: {verdict.claim}."
    if refund.state is RefundState.SUCCEEDED:
        # What it had taken back of the goods stays taken: its money is owed, for no goods.
        why = f"The gateway took it back: {verdict.claim}."
        changes |= {"failure": why, "undelivered": refund.amount}
    return move(tx, hub, refund, signal, why, now, raw=verdict.raw, **changes)


def note(
    tx: Connection, hub: Hub, payment_id: str, attempt: Attempt,
    verdicts: Sequence[RefundVerdict], now: datetime,
) -> bool:  # fmt: skip
    """Take in all refunds that a gateway's books have of an offer; whether any was news."""
    changed = False
    for verdict in verdicts:
        known = _known(tx, attempt, verdict)
        if known is None:
            changed = _book(tx, hub, payment_id, attempt, verdict, now) or changed
        else:
            changed = hear(tx, hub, known, verdict, now) is not known or changed
    return changed


def _known(tx: Connection, attempt: Attempt, verdict: RefundVerdict) -> Refund | None:
    found = refunds.by_provider(tx, attempt.gateway, attempt.account, verdict.provider_id)
    if found is None and verdict.refund_id is not None:
        found = refunds.lock(tx, verdict.refund_id)
    return found if found is not None and found.payment_id == attempt.payment_id else None


def _book(
    tx: Connection, hub: Hub, payment_id: str, attempt: Attempt, verdict: RefundVerdict,
    now: datetime,
) -> bool:  # fmt: skip
    """Book a refund that somebody made without us. What cannot be booked is left to a person."""
    back = verdict.amount.minor
    if verdict.of_all:
        if any(one.state in ASKED for one in refunds.of_payment(tx, payment_id)):
            # One of ours may be in that sum already: wait until we know.
            return False
        back -= refunds.gone(tx, attempt.id)
    payment = payments.lock(tx, payment_id)
    if payment is None or back <= 0 or verdict.claim not in {"pending", "succeeded"}:
        return False
    money = Money(back, verdict.amount.currency)
    if not refunds.reserve(tx, payment, money):
        log.error("refund_unbooked", payment=payment_id, refund=verdict.provider_id,
                  amount=str(verdict.amount))  # fmt: skip
        return False
    refund = _external(tx, attempt, verdict, money, now)
    refunds.add(tx, refund)
    _hold_gone(tx, hub, refund, refund.id, now)
    why = "It was made in the gateway's own dashboard."
    move(tx, hub, refund, RefundSignal(verdict.claim), why, now, raw=verdict.raw)
    return True


def _external(
    tx: Connection, attempt: Attempt, verdict: RefundVerdict, back: Money, now: datetime
) -> Refund:
    loose = max(0, receipts.undelivered(tx, attempt.payment_id, back.currency))
    return Refund(
        id=new_id("rf", now),
        payment_id=attempt.payment_id,
        attempt_id=attempt.id,
        gateway=attempt.gateway,
        account=attempt.account,
        transaction_id=verdict.transaction_id or _transaction_of(tx, attempt, back.currency),
        amount=back.minor,
        undelivered=min(back.minor, loose),
        currency=back.currency,
        state=RefundState.REQUESTED,
        source=RefundSource.EXTERNAL,
        method="api",
        reason="",
        keep_access=False,
        requested_by="gateway",
        created_at=now,
        updated_at=now,
        provider_id=verdict.provider_id,
    )


def _transaction_of(tx: Connection, attempt: Attempt, currency: str) -> str:
    """The transfer that a refund is of, where the gateway does not say."""
    received = receipts.of_payment(tx, attempt.payment_id, currency)
    own = [one.transaction_id for one in received if one.attempt_id == attempt.id]
    return own[0] if own else attempt.our_ref


def closes_the_offer(payment: Payment) -> bool:
    """Whether money of an offer that can still be completed goes back, which must end it.

    Money in another currency completes nothing, so giving that back leaves the offer as it is.
    """
    goes_back = payment.unreturned.minor < payment.received
    return goes_back and payment.phase in {Phase.OPEN, Phase.EXPIRED}


def given_back(now: datetime) -> Evidence:
    """Our own word that money of an offer which is not paid goes back."""
    return Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.GIVEN_BACK, observed_at=now)


class RefundNews(Amount):
    """A refund as merchants' systems are told of it, without anybody's account."""

    id: str
    paymentId: str
    state: RefundState
    source: RefundSource
    method: Literal["api", "manual"]
    gateway: str
    reason: str
    keepAccess: bool
    failure: str | None
    bankReference: str | None


def document(refund: Refund) -> RefundNews:
    """A refund as merchants' systems are told of it, without anybody's account."""
    return {
        "id": refund.id,
        "paymentId": refund.payment_id,
        "state": refund.state,
        "source": refund.source,
        "method": refund.method,
        "gateway": refund.gateway,
        "amount": refund.amount,
        "currency": refund.currency,
        "reason": refund.reason,
        "keepAccess": refund.keep_access,
        "failure": refund.failure,
        "bankReference": refund.bank_reference,
    }


def _payment(tx: Connection, refund: Refund) -> Payment:
    payment = payments.find(tx, refund.payment_id)
    assert payment is not None  # noqa: S101 - the foreign key sees to it
    return payment
