"""Receipts of a payment: what came, by which transfer, and what was not delivered for yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from tallystick.domain.ledger import SUSPENSE
from tallystick.store import ledger
from tallystick.store.schema.core import receipts


@dataclass(frozen=True, slots=True)
class Received:
    """One receipt of a payment, and the attempt that it came by, where one is known."""

    gateway: str
    account: str
    transaction_id: str
    attempt_id: str | None
    amount: int


_RECEIPTS = (
    select(
        receipts.c.gateway, receipts.c.account, receipts.c.transaction_id, receipts.c.attempt_id,
        receipts.c.amount,
    )
    .where(
        receipts.c.payment_id == bindparam("payment_id"),
        receipts.c.currency == bindparam("currency"),
    )
    .order_by(receipts.c.created_at.desc(), receipts.c.id.desc())
)  # fmt: skip
_TRANSACTION = select(receipts.c.payment_id).where(
    receipts.c.gateway == bindparam("gateway"),
    receipts.c.account == bindparam("account"),
    receipts.c.transaction_id.in_(bindparam("names", expanding=True)),
)


def of_payment(tx: Connection, payment_id: str, currency: str) -> list[Received]:
    """What came in this currency, the newest first: a surplus goes back before the rest."""
    values = {"payment_id": payment_id, "currency": currency}
    return [Received(**row._mapping) for row in tx.execute(_RECEIPTS, values)]


def undelivered(tx: Connection, payment_id: str, currency: str) -> int:
    """What came and nothing was delivered for, in minor units."""
    return -ledger.standing(tx, payment_id, SUSPENSE, currency)


def payments_with(tx: Connection, gateway: str, account: str, names: Sequence[str]) -> set[str]:
    """The payments that received one of these transactions: a refund's notice may name only it."""
    if not names:
        return set()
    values = {"gateway": gateway, "account": account, "names": list(names)}
    return set(tx.execute(_TRANSACTION, values).scalars())
