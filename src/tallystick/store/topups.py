"""Top-ups: the payments that fill a wallet, by the reference that their owner knows."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from tallystick.store.schema.wallets import topups

_INSERT = insert(topups)
_PAYMENT = select(topups.c.payment_id).where(topups.c.id == bindparam("id"))
_OF_PAYMENT = select(topups.c.id).where(topups.c.payment_id == bindparam("payment_id"))


def add(tx: Connection, topup_id: str, payment_id: str, now: datetime) -> None:
    """Insert a new top-up beside its payment."""
    tx.execute(_INSERT, {"id": topup_id, "payment_id": payment_id, "created_at": now})


def payment_of(tx: Connection, topup_id: str) -> str | None:
    """The payment of the top-up, or None."""
    return tx.execute(_PAYMENT, {"id": topup_id}).scalar()


def of_payment(tx: Connection, payment_id: str) -> str | None:
    """The id of the top-up that this payment is for, or None."""
    return tx.execute(_OF_PAYMENT, {"payment_id": payment_id}).scalar()
