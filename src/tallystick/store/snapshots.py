"""Reads everything that answers, streams and pages tell of one payment, in one go."""

from sqlalchemy import Connection, bindparam, select

from tallystick.domain.money import Money
from tallystick.domain.payment import AmountState, AttemptState, Payment, Phase, Review
from tallystick.domain.snapshot import AttemptPart, LinkPart, Snapshot, TransactionPart
from tallystick.store import payments
from tallystick.store.columns import AnyRow
from tallystick.store.schema import attempts, events, payment_links, receipts

_LINK = select(payment_links.c.id, payment_links.c.short_code, payment_links.c.gateways).where(
    payment_links.c.payment_id == bindparam("payment_id")
)
_ATTEMPT = (
    select(
        attempts.c.id, attempts.c.gateway, attempts.c.our_ref, attempts.c.state,
        attempts.c.checkout,
    )
    .where(attempts.c.payment_id == bindparam("payment_id"))
    .order_by(attempts.c.created_at.desc(), attempts.c.id.desc())
    .limit(1)
)  # fmt: skip
_EVENT = (
    select(events.c.type, events.c.at)
    .where(events.c.payment_id == bindparam("payment_id"))
    .order_by(events.c.seq.desc())
    .limit(1)
)
_TRANSACTION = (
    select(
        receipts.c.transaction_id, receipts.c.gateway, receipts.c.amount, receipts.c.currency,
        receipts.c.at,
    )
    .where(receipts.c.payment_id == bindparam("payment_id"))
    .order_by(receipts.c.created_at.desc(), receipts.c.id.desc())
    .limit(1)
)  # fmt: skip


def find(tx: Connection, payment_id: str) -> Snapshot | None:
    """The snapshot of a payment as this transaction sees it, or None."""
    payment = payments.find(tx, payment_id)
    return None if payment is None else of(tx, payment)


def of(tx: Connection, payment: Payment) -> Snapshot:
    """The snapshot around a payment that was just read or written."""
    this = {"payment_id": payment.id}
    link = tx.execute(_LINK, this).first()
    attempt = tx.execute(_ATTEMPT, this).first()
    event = tx.execute(_EVENT, this).first()
    money = tx.execute(_TRANSACTION, this).first() if payment.received else None
    return Snapshot(
        id=payment.id,
        purpose=payment.purpose,
        phase=Phase(payment.phase),
        amount_state=AmountState(payment.amount_state),
        late=payment.late,
        review=None if payment.review is None else Review(payment.review),
        due=payment.due,
        received_minor=payment.received,
        refunded_minor=payment.refunded,
        gateway=payment.gateway,
        reference=payment.reference,
        owner_id=payment.owner_id,
        description=payment.description,
        metadata=payment.metadata,
        return_url=payment.return_url,
        cancel_url=payment.cancel_url,
        test_mode=payment.test_mode,
        created_at=payment.created_at,
        updated_at=payment.updated_at,
        expires_at=payment.expires_at,
        paid_at=payment.paid_at,
        as_of=payment.as_of,
        source=payment.source,
        next_check_at=payment.next_check_at,
        version=payment.version,
        attempt=None if attempt is None else _attempt(attempt),
        link=None if link is None else LinkPart(link.id, link.short_code, tuple(link.gateways)),
        last_event=None if event is None else (event.type, event.at),
        transaction=None if money is None else _transaction(money),
    )


def _attempt(row: AnyRow) -> AttemptPart:
    return AttemptPart(row.id, row.gateway, row.our_ref, AttemptState(row.state), row.checkout)


def _transaction(row: AnyRow) -> TransactionPart:
    return TransactionPart(row.transaction_id, row.gateway, Money(row.amount, row.currency), row.at)
