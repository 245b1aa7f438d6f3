"""Top-ups: the payments that fill a wallet, by the reference that their owner knows."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from tallystick.domain.payment import Phase
from tallystick.products.wallets.rules import PURPOSE
from tallystick.products.wallets.tables import topups
from tallystick.store.places import Place, window
from tallystick.store.schema.core import payments

_INSERT = insert(topups)
_PAYMENT = select(topups.c.payment_id).where(topups.c.id == bindparam("id"))
_OF_PAYMENT = select(topups.c.id).where(topups.c.payment_id == bindparam("payment_id"))

_NEWEST_FIRST = (
    select(topups.c.id, topups.c.payment_id, payments.c.created_at)
    .join(payments, payments.c.id == topups.c.payment_id)
    .order_by(payments.c.created_at.desc(), payments.c.id.desc())
)


def add(tx: Connection, topup_id: str, payment_id: str, now: datetime) -> None:
    """Insert a new top-up beside its payment."""
    tx.execute(_INSERT, {"id": topup_id, "payment_id": payment_id, "created_at": now})


def payment_of(tx: Connection, topup_id: str) -> str | None:
    """The payment of the top-up, or None."""
    return tx.execute(_PAYMENT, {"id": topup_id}).scalar()


def of_payment(tx: Connection, payment_id: str) -> str | None:
    """The id of the top-up that this payment is for, or None."""
    return tx.execute(_OF_PAYMENT, {"payment_id": payment_id}).scalar()


def page(
    tx: Connection, *, owner_id: str | None, phases: Sequence[str],
    span: tuple[datetime | None, datetime | None], after: Place | None, limit: int,
) -> list[tuple[str, str]]:  # fmt: skip
    """Ids of top-ups and of their payments, newest first, one more than `limit` where there are.

    None filters nothing, and no phases are all. A place is a payment's.
    """
    query = _NEWEST_FIRST.limit(limit + 1)
    query = window(query, payments.c.created_at, payments.c.id, span, after)
    if owner_id is not None:
        own = query.where(payments.c.owner_id == owner_id)
        own = own.where(payments.c.phase.in_(phases)) if phases else own
        return [(row.id, row.payment_id) for row in tx.execute(own)]
    # Each phase is read from an index, newest first; what all top-ups are is put together here.
    found = [
        row
        for phase in phases or Phase
        for row in tx.execute(query.where(payments.c.purpose == PURPOSE, payments.c.phase == phase))
    ]
    found.sort(key=lambda row: (row.created_at, row.payment_id), reverse=True)
    return [(row.id, row.payment_id) for row in found[: limit + 1]]
