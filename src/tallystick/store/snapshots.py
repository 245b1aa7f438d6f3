"""Reads everything that answers, streams and pages tell of one payment."""

from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, exists, select

from tallystick.domain.money import Money
from tallystick.domain.payment import AmountState, AttemptState, LatePolicy, Phase, Review
from tallystick.domain.snapshot import AttemptPart, LinkPart, Snapshot
from tallystick.store import transactions
from tallystick.store.columns import AnyRow
from tallystick.store.schema.core import attempts, events, payment_links, payments, receipts


def _newest(table: Table, *order: str) -> Any:
    """The key of the payment's last row in this table; `order` ends with that key."""
    inner = table.alias()
    return (
        select(inner.c[order[-1]])
        .where(inner.c.payment_id == payments.c.id)
        .order_by(*(inner.c[name].desc() for name in order))
        .limit(1)
        .scalar_subquery()
    )


def _columns(table: Table, *names: str) -> list[Any]:
    return [table.c[name].label(f"{table.name}_{name}") for name in names]


_FIND: Select[tuple[Any, ...]] = (
    select(
        *payments.c,
        *_columns(payment_links, "id", "short_code", "gateways"),
        *_columns(
            attempts, "id", "gateway", "our_ref", "state", "checkout", "provider_id", "account"
        ),
        *_columns(events, "type", "at"),
        exists().where(receipts.c.payment_id == payments.c.id).label("has_receipts"),
    )
    .outerjoin(payment_links, payment_links.c.payment_id == payments.c.id)
    .outerjoin(attempts, attempts.c.id == _newest(attempts, "created_at", "id"))
    .outerjoin(events, events.c.seq == _newest(events, "seq"))
    .where(payments.c.id == bindparam("payment_id"))
)


def find(tx: Connection, payment_id: str) -> Snapshot | None:
    """The snapshot of a payment as this transaction sees it, or None."""
    row = tx.execute(_FIND, {"payment_id": payment_id}).first()
    return None if row is None else _snapshot(tx, row)


def _snapshot(tx: Connection, row: AnyRow) -> Snapshot:
    return Snapshot(
        id=row.id,
        purpose=row.purpose,
        phase=Phase(row.phase),
        amount_state=AmountState(row.amount_state),
        late=row.late,
        review=None if row.review is None else Review(row.review),
        due=Money(row.amount, row.currency),
        received_minor=row.received,
        refunded_minor=row.refunded,
        gateway=row.gateway,
        reference=row.reference,
        owner_id=row.owner_id,
        description=row.description,
        metadata=row.metadata,
        return_url=row.return_url,
        cancel_url=row.cancel_url,
        test_mode=row.test_mode,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        as_of=row.as_of,
        source=row.source,
        next_check_at=row.next_check_at,
        version=row.version,
        attempt=None if row.attempts_id is None else _attempt(row),
        link=None if row.payment_links_id is None else _link(row),
        last_event=None if row.events_type is None else (row.events_type, row.events_at),
        transactions=tuple(transactions.of_payment(tx, row.id)) if row.has_receipts else (),
        tolerance_minor=row.tolerance,
        late_policy=LatePolicy(row.late_policy),
    )


def _attempt(row: AnyRow) -> AttemptPart:
    return AttemptPart(
        row.attempts_id, row.attempts_gateway, row.attempts_our_ref,
        AttemptState(row.attempts_state), row.attempts_checkout, row.attempts_provider_id,
        row.attempts_account,
    )  # fmt: skip


def _link(row: AnyRow) -> LinkPart:
    return LinkPart(
        row.payment_links_id, row.payment_links_short_code, tuple(row.payment_links_gateways)
    )
