"""What was delivered for a payment: at most one row for each payment and purpose."""

from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.ids import new_id
from tallystick.store.schema.core import fulfilments

_ADD = {
    "sqlite": sqlite_insert(fulfilments).on_conflict_do_nothing(),
    "postgresql": pg_insert(fulfilments).on_conflict_do_nothing(),
}


def add(tx: Connection, payment_id: str, purpose: str, now: datetime) -> bool:
    """Note that it is delivered; False where it was delivered before."""
    values = {
        "id": new_id("ful", now),
        "payment_id": payment_id,
        "purpose": purpose,
        "state": "done",
        "created_at": now,
    }
    return tx.execute(_ADD[tx.dialect.name], values).rowcount == 1
