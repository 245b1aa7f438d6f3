"""Who refers buyers, by a code of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.referral import normal_code
from tallystick.store.places import before
from tallystick.store.schema.sales import referrers

_ADD = {
    "sqlite": sqlite_insert(referrers).on_conflict_do_nothing(),
    "postgresql": pg_insert(referrers).on_conflict_do_nothing(),
}
_COLUMNS = (
    referrers.c.id, referrers.c.email, referrers.c.code, referrers.c.buyer_discount_percent,
    referrers.c.created_at,
)  # fmt: skip
_FIND = select(*_COLUMNS).where(referrers.c.id == bindparam("id"))
_LOCK = _FIND.with_for_update()
_BY_CODE = select(*_COLUMNS).where(referrers.c.code == bindparam("code"))


@dataclass(frozen=True, slots=True)
class Referrer:
    """One referrer. `code` is in capitals."""

    id: str
    email: str
    code: str
    buyer_discount_percent: int
    created_at: datetime


def add(tx: Connection, referrer: Referrer) -> bool:
    """Insert; False where the code or the e-mail address is another's."""
    values = {
        "id": referrer.id, "email": referrer.email, "code": referrer.code,
        "buyer_discount_percent": referrer.buyer_discount_percent,
        "created_at": referrer.created_at,
    }  # fmt: skip
    return tx.execute(_ADD[tx.dialect.name], values).rowcount == 1


def find(tx: Connection, referrer_id: str) -> Referrer | None:
    """The referrer with this id, or None."""
    row = tx.execute(_FIND, {"id": referrer_id}).first()
    return None if row is None else Referrer(**row._mapping)


def lock(tx: Connection, referrer_id: str) -> Referrer | None:
    """The same, and nobody else moves this referrer's account until the end."""
    row = tx.execute(_LOCK, {"id": referrer_id}).first()
    return None if row is None else Referrer(**row._mapping)


def find_by_code(tx: Connection, code: str) -> Referrer | None:
    """Whose code this is, however it is written, or None."""
    row = tx.execute(_BY_CODE, {"code": normal_code(code)}).first()
    return None if row is None else Referrer(**row._mapping)


def page(
    tx: Connection,
    *,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Referrer]:
    """Newest first, one more than `limit` where there are more."""
    query = select(*_COLUMNS).order_by(referrers.c.created_at.desc(), referrers.c.id.desc())
    if span[0] is not None:
        query = query.where(referrers.c.created_at > span[0])
    if span[1] is not None:
        query = query.where(referrers.c.created_at < span[1])
    if after is not None:
        query = query.where(before(referrers.c.created_at, referrers.c.id, after))
    return [Referrer(**row._mapping) for row in tx.execute(query.limit(limit + 1))]
