"""Licences: one for each paid order, kept as a hash and a sealed copy."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from tallystick.products.orders.tables import licences

_ADD = insert(licences)
_OF_ORDER = select(*licences.c).where(licences.c.order_id == bindparam("order_id"))
_BY_HASH = select(*licences.c).where(licences.c.key_hash == bindparam("key_hash"))
_REVOKE = (
    update(licences)
    .where(licences.c.order_id == bindparam("of_order"), licences.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence. Only its key opens `sealed`."""

    id: str
    order_id: str
    key_hash: str
    sealed: bytes
    seats: int
    issued_at: datetime
    revoked_at: datetime | None = None


def add(tx: Connection, licence: Licence) -> None:
    """Keep a new licence; the database refuses a second one for the same order."""
    tx.execute(_ADD, asdict(licence))


def of_order(tx: Connection, order_id: str) -> Licence | None:
    """The licence of an order, or None."""
    row = tx.execute(_OF_ORDER, {"order_id": order_id}).first()
    return None if row is None else Licence(**row._mapping)


def by_hash(tx: Connection, key_hash: str) -> Licence | None:
    """The licence whose key has this fingerprint, or None."""
    row = tx.execute(_BY_HASH, {"key_hash": key_hash}).first()
    return None if row is None else Licence(**row._mapping)


def revoke(tx: Connection, order_id: str, now: datetime) -> None:
    """End the licence of an order; nothing happens where there is none."""
    tx.execute(_REVOKE, {"of_order": order_id, "now": now})
