"""Payment links: a short code that stands for one payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from tallystick.domain.payment import Phase
from tallystick.store.places import window
from tallystick.store.schema.core import payment_links, payments

_INSERT = insert(payment_links)
_COLUMNS = (
    payment_links.c.id,
    payment_links.c.short_code,
    payment_links.c.payment_id,
    payment_links.c.gateways,
)
_FIND = select(*_COLUMNS).where(payment_links.c.id == bindparam("id"))
_BY_CODE = select(*_COLUMNS).where(payment_links.c.short_code == bindparam("short_code"))

_OF_PAYMENT = select(*_COLUMNS).where(payment_links.c.payment_id == bindparam("payment_id"))


@dataclass(frozen=True, slots=True)
class Link:
    """One payment link."""

    id: str
    short_code: str
    payment_id: str
    gateways: tuple[str, ...]


def add(
    tx: Connection,
    *,
    link_id: str,
    short_code: str,
    payment_id: str,
    gateways: Sequence[str],
    now: datetime,
) -> None:
    """Insert a new link beside its payment."""
    values: dict[str, Any] = {
        "id": link_id, "short_code": short_code, "payment_id": payment_id,
        "gateways": list(gateways), "created_at": now,
    }  # fmt: skip
    tx.execute(_INSERT, values)


def find(tx: Connection, link_id: str) -> Link | None:
    """The link with this id, or None."""
    return _one(tx, _FIND, {"id": link_id})


def by_short_code(tx: Connection, short_code: str) -> Link | None:
    """The link with this short code, or None."""
    return _one(tx, _BY_CODE, {"short_code": short_code})


def of_payment(tx: Connection, payment_id: str) -> Link | None:
    """The link that sells this payment, or None."""
    return _one(tx, _OF_PAYMENT, {"payment_id": payment_id})


def page(
    tx: Connection,
    *,
    phases: Sequence[str],
    created_after: datetime | None,
    created_before: datetime | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[str]:
    """Ids of the payments behind links, newest first, one more than `limit` if there are more."""
    # The session of a task has a page like a link's, and is none.
    query = select(payments.c.id, payments.c.created_at).where(payments.c.purpose == "payment_link")
    query = query.order_by(payments.c.created_at.desc(), payments.c.id.desc()).limit(limit + 1)
    span = (created_after, created_before)
    query = window(query, payments.c.created_at, payments.c.id, span, after)
    # A list for each phase, by its index: of several phases at once a planner sorts all rows.
    each = [query.where(payments.c.phase == phase) for phase in phases or Phase]
    found = [(row.created_at, row.id) for one in each for row in tx.execute(one)]
    return [payment_id for _, payment_id in sorted(found, reverse=True)[: limit + 1]]


def _one(tx: Connection, statement: Any, values: dict[str, str]) -> Link | None:
    row = tx.execute(statement, values).first()
    if row is None:
        return None
    return Link(row.id, row.short_code, row.payment_id, tuple(row.gateways))
