"""Who refers buyers, by a code of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.addresses import SealedAddress
from tallystick.products.revenue.referral import normal_code
from tallystick.products.revenue.tables import referrers
from tallystick.store.columns import AnyRow
from tallystick.store.places import window

_ADD = {
    "sqlite": sqlite_insert(referrers).on_conflict_do_nothing(),
    "postgresql": pg_insert(referrers).on_conflict_do_nothing(),
}
_COLUMNS = (
    referrers.c.id, referrers.c.email_lookup, referrers.c.email_sealed, referrers.c.code,
    referrers.c.buyer_discount_percent, referrers.c.created_at,
)  # fmt: skip
_FIND = select(*_COLUMNS).where(referrers.c.id == bindparam("id"))
_LOCK = _FIND.with_for_update()
_HAS_ADDRESS = (
    select(referrers.c.id)
    .where(referrers.c.email_lookup.in_(bindparam("lookups", expanding=True)))
    .limit(1)
)
_BY_CODE = select(*_COLUMNS).where(referrers.c.code == bindparam("code"))


@dataclass(frozen=True, slots=True)
class Referrer:
    """One referrer. `code` is in capitals."""

    id: str
    email: SealedAddress
    code: str
    buyer_discount_percent: int
    created_at: datetime


def add(tx: Connection, referrer: Referrer) -> bool:
    """Insert; False where the code or the e-mail address is another's."""
    values = {
        "id": referrer.id, "code": referrer.code,
        "email_lookup": referrer.email.lookup, "email_sealed": referrer.email.sealed,
        "buyer_discount_percent": referrer.buyer_discount_percent,
        "created_at": referrer.created_at,
    }  # fmt: skip
    return tx.execute(_ADD[tx.dialect.name], values).rowcount == 1


def has_address(tx: Connection, lookups: Sequence[str]) -> bool:
    """Whether somebody refers with an address that stands under one of these."""
    return tx.execute(_HAS_ADDRESS, {"lookups": list(lookups)}).first() is not None


def find(tx: Connection, referrer_id: str) -> Referrer | None:
    """The referrer with this id, or None."""
    row = tx.execute(_FIND, {"id": referrer_id}).first()
    return None if row is None else _referrer(row)


def lock(tx: Connection, referrer_id: str) -> Referrer | None:
    """The same, and nobody else moves this referrer's account until the end."""
    row = tx.execute(_LOCK, {"id": referrer_id}).first()
    return None if row is None else _referrer(row)


def find_by_code(tx: Connection, code: str) -> Referrer | None:
    """Whose code this is, however it is written, or None."""
    row = tx.execute(_BY_CODE, {"code": normal_code(code)}).first()
    return None if row is None else _referrer(row)


def page(
    tx: Connection,
    *,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Referrer]:
    """Newest first, one more than `limit` where there are more."""
    query = select(*_COLUMNS).order_by(referrers.c.created_at.desc(), referrers.c.id.desc())
    query = window(query, referrers.c.created_at, referrers.c.id, span, after)
    return [_referrer(row) for row in tx.execute(query.limit(limit + 1))]


def _referrer(row: AnyRow) -> Referrer:
    email = SealedAddress(row.email_lookup, row.email_sealed)
    return Referrer(row.id, email, row.code, row.buyer_discount_percent, row.created_at)
