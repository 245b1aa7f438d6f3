"""Commissions: one for an order, with lines that add and take; the books of the referrers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, bindparam, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.errors import RaceLost
from tallystick.domain.exchange import Rate, RateSource, Valued, plain
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.products.revenue import referrer_rows
from tallystick.products.revenue.referral import (
    Commission,
    CommissionStatus,
    Deed,
    Line,
    LineKind,
    Sum,
    TierNews,
    commission_of,
    moved,
    payout,
    rate_of,
    step_of,
    told,
)
from tallystick.products.revenue.tables import commission_lines as lines
from tallystick.products.revenue.tables import commissions
from tallystick.store import effects, outbox
from tallystick.store.columns import AnyRow, Whole
from tallystick.store.outbox import News
from tallystick.store.places import window

SEND_MAIL: Final = "send_mail"
_COLUMNS = (
    commissions.c.id, commissions.c.order_id, commissions.c.referrer_id,
    commissions.c.order_amount, commissions.c.currency, commissions.c.order_usd_cents,
    commissions.c.percent, commissions.c.amount, commissions.c.usd_cents, commissions.c.rate,
    commissions.c.rate_source, commissions.c.rate_as_of, commissions.c.status,
    commissions.c.created_at, commissions.c.updated_at, commissions.c.approved_at,
)  # fmt: skip
_ADD = {
    "sqlite": sqlite_insert(commissions).on_conflict_do_nothing(),
    "postgresql": pg_insert(commissions).on_conflict_do_nothing(),
}
_LINE = insert(lines)
_FIND = select(*_COLUMNS).where(commissions.c.id == bindparam("id"))
_OF_ORDER = select(*_COLUMNS).where(commissions.c.order_id == bindparam("order_id"))
_NEWEST = commissions.c.created_at.desc(), commissions.c.id.desc()
_MOVE = (
    update(commissions)
    .where(commissions.c.id == bindparam("of_id"), commissions.c.status == bindparam("before"))
    .values(
        status=bindparam("after"),
        updated_at=bindparam("now"),
        approved_at=bindparam("approved_at"),
    )
)
_COUNT = select(func.count()).where(lines.c.commission_id == bindparam("commission_id"))


def _sum(column: Any) -> Any:
    return cast(func.coalesce(func.sum(column), 0), Whole)


_REFERRED = select(_sum(lines.c.order_usd_cents)).where(
    lines.c.referrer_id == bindparam("referrer_id"), lines.c.kind != LineKind.PAID_OUT
)
_LEFT = select(_sum(lines.c.amount).label("minor"), _sum(lines.c.usd_cents).label("usd")).where(
    lines.c.commission_id == bindparam("commission_id")
)
_CARRIED = (
    select(_sum(lines.c.amount).label("minor"), _sum(lines.c.usd_cents).label("usd"))
    .join(commissions, commissions.c.id == lines.c.commission_id)
    .where(
        lines.c.referrer_id == bindparam("referrer_id"),
        lines.c.currency == bindparam("currency"),
        commissions.c.status == CommissionStatus.PAID,
    )
)
_BALANCES = (
    select(
        lines.c.currency, _sum(lines.c.amount).label("minor"), _sum(lines.c.usd_cents).label("usd")
    )
    .where(lines.c.referrer_id == bindparam("referrer_id"))
    .group_by(lines.c.currency)
    .order_by(lines.c.currency)
)
_LINES = (
    select(
        lines.c.commission_id, lines.c.kind, lines.c.order_usd_cents, lines.c.amount,
        lines.c.currency, lines.c.usd_cents, lines.c.at,
    )
    .where(lines.c.commission_id.in_(bindparam("ids", expanding=True)))
    .order_by(lines.c.commission_id, lines.c.line)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """How a referrer stands: revenue in US cents, and what we owe in each currency."""

    referred_usd_cents: int
    balances: dict[str, Sum]


@dataclass(frozen=True, slots=True)
class Entry:
    """A commission with its lines, as a list shows it."""

    commission: Commission
    lines: tuple[tuple[Line, datetime], ...]


def earn(
    tx: Connection, order_id: str, referrer_id: str, worth: Valued, now: datetime
) -> Commission | None:
    """The referrer's share of a delivered order, by the tier reached before it. At most once.

    Runs in the settling transaction. A step up the ladder is told of, once for each step.
    """
    if referrer_rows.lock(tx, referrer_id) is None:
        return None
    before = step_of(referred(tx, referrer_id))
    amount = commission_of(worth.amount, before.percent)
    made = Commission(
        id=new_id("com", now), order_id=order_id, referrer_id=referrer_id, order=worth,
        percent=before.percent, amount=amount, usd_cents=worth.rate.cents(amount),
        status=CommissionStatus.PENDING, created_at=now, updated_at=now,
    )  # fmt: skip
    if tx.execute(_ADD[tx.dialect.name], _row(made)).rowcount != 1:
        return None
    _write(tx, made, made.earned(), now)
    _tell(tx, "commission.earned", made, made.id, now)
    after = step_of(referred(tx, referrer_id))
    if after.percent > before.percent:
        key = f"{referrer_id}/{after.tier}"
        news: TierNews = {"referrerId": referrer_id, "tier": after.tier, **rate_of(after.percent)}
        outbox.tell(tx, News("commission.tier_upgraded", key, referrer_id, news), now)
        effects.add(tx, SEND_MAIL, f"tier/{key}", {"letter": "tier", "about": key}, now)
    return made


def claw_back(tx: Connection, order_id: str, before: int, back: int, now: datetime) -> Line | None:
    """Take back the share of so much of an order, at its rate, after so much went back before.

    A whole refund cancels what is not paid out yet; of what is, a debt remains. None where the
    order has no commission.
    """
    found = of_order(tx, order_id)
    if found is None:
        return None
    referrer_rows.lock(tx, found.referrer_id)
    found = _again(tx, found)
    line = found.clawed_back(before, back)
    number = _write(tx, found, line, now)
    whole = before + back >= found.order.amount.minor
    if whole and found.status is not CommissionStatus.PAID:
        found = _set(tx, found, Deed.CANCEL, now)
    _tell(tx, "commission.clawed_back", found, f"{found.id}/{number}", now)
    return line


def approve(tx: Connection, commission: Commission, now: datetime) -> Commission:
    """It will be paid. Raises Conflict where it is not pending."""
    referrer_rows.lock(tx, commission.referrer_id)
    after = _set(tx, _again(tx, commission), Deed.APPROVE, now)
    _tell(tx, "commission.approved", after, after.id, now)
    return after


def pay(tx: Connection, commission: Commission, now: datetime) -> Commission:
    """It is paid out: what is left of it, less what the referrer owes from refunds of paid ones.

    Raises Conflict where it is not approved.
    """
    referrer_rows.lock(tx, commission.referrer_id)
    commission = _again(tx, commission)
    due = payout(_left(tx, commission), _carried(tx, commission))
    after = _set(tx, commission, Deed.PAY, now)
    paid = Line(LineKind.PAID_OUT, 0, Money(-due.minor, after.amount.currency), -due.usd_cents)
    _write(tx, after, paid, now)
    _tell(tx, "commission.paid", after, after.id, now)
    return after


def referred(tx: Connection, referrer_id: str) -> int:
    """Referred revenue in US cents, recomputed from the lines, so that refunds lower it."""
    return int(tx.execute(_REFERRED, {"referrer_id": referrer_id}).scalar_one())


def standing(tx: Connection, referrer_id: str) -> Standing:
    """How the referrer stands now."""
    rows = tx.execute(_BALANCES, {"referrer_id": referrer_id})
    owed = {row.currency: Sum(int(row.minor), int(row.usd)) for row in rows}
    return Standing(referred(tx, referrer_id), owed)


def find(tx: Connection, commission_id: str) -> Commission | None:
    """The commission with this id, or None."""
    row = tx.execute(_FIND, {"id": commission_id}).first()
    return None if row is None else _commission(row)


def of_order(tx: Connection, order_id: str) -> Commission | None:
    """The commission of this order, or None."""
    row = tx.execute(_OF_ORDER, {"order_id": order_id}).first()
    return None if row is None else _commission(row)


def page(
    tx: Connection,
    *,
    wanted: dict[str, str],
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Commission]:
    """Newest first, one more than `limit` where there are more.

    `wanted` combines: `status`, `referrer_id`, `order_id`, each equal to its word.
    """
    query = select(*_COLUMNS).order_by(*_NEWEST)
    for name, word in wanted.items():
        query = query.where(commissions.c[name] == word)
    query = window(query, commissions.c.created_at, commissions.c.id, span, after)
    return [_commission(row) for row in tx.execute(query.limit(limit + 1))]


def entries(tx: Connection, found: Sequence[Commission]) -> list[Entry]:
    """The commissions with their lines, in the order given."""
    kept: dict[str, list[tuple[Line, datetime]]] = {one.id: [] for one in found}
    for row in tx.execute(_LINES, {"ids": list(kept)}):
        amount = Money(row.amount, row.currency)
        line = Line(LineKind(row.kind), row.order_usd_cents, amount, row.usd_cents)
        kept[row.commission_id].append((line, row.at))
    return [Entry(one, tuple(kept[one.id])) for one in found]


def _set(tx: Connection, commission: Commission, deed: Deed, now: datetime) -> Commission:
    after = moved(commission.status, deed)
    approved_at = now if deed is Deed.APPROVE else commission.approved_at
    values = {"of_id": commission.id, "before": commission.status, "after": after, "now": now,
              "approved_at": approved_at}  # fmt: skip
    if tx.execute(_MOVE, values).rowcount != 1:
        raise RaceLost("Another writer moved this commission first.")
    return replace(commission, status=after, updated_at=now, approved_at=approved_at)


def _again(tx: Connection, commission: Commission) -> Commission:
    """As it is now that nobody else moves it."""
    return find(tx, commission.id) or commission


def _left(tx: Connection, commission: Commission) -> Sum:
    row = tx.execute(_LEFT, {"commission_id": commission.id}).one()
    return Sum(int(row.minor), int(row.usd))


def _carried(tx: Connection, commission: Commission) -> Sum:
    values = {"referrer_id": commission.referrer_id, "currency": commission.amount.currency}
    row = tx.execute(_CARRIED, values).one()
    return Sum(int(row.minor), int(row.usd))


def _write(tx: Connection, commission: Commission, line: Line, now: datetime) -> int:
    number = int(tx.execute(_COUNT, {"commission_id": commission.id}).scalar_one())
    values = {
        "commission_id": commission.id, "line": number, "referrer_id": commission.referrer_id,
        "kind": line.kind, "order_usd_cents": line.order_usd_cents, "amount": line.amount.minor,
        "currency": line.amount.currency, "usd_cents": line.usd_cents, "at": now,
    }  # fmt: skip
    tx.execute(_LINE, values)
    return number


def _tell(tx: Connection, kind: str, commission: Commission, key: str, now: datetime) -> None:
    outbox.tell(tx, News(kind, key, commission.id, told(commission)), now)


def _row(made: Commission) -> dict[str, Any]:
    rate = made.rate
    return {
        "id": made.id, "order_id": made.order_id, "referrer_id": made.referrer_id,
        "order_amount": made.order.amount.minor, "currency": made.order.amount.currency,
        "order_usd_cents": made.order.usd_cents, "percent": made.percent,
        "amount": made.amount.minor, "usd_cents": made.usd_cents, "rate": plain(rate.per_dollar),
        "rate_source": rate.source, "rate_as_of": rate.as_of, "status": made.status,
        "created_at": made.created_at, "updated_at": made.updated_at,
    }  # fmt: skip


def _commission(row: AnyRow) -> Commission:
    source = RateSource(row.rate_source)
    rate = Rate(row.currency, Decimal(row.rate), source, row.rate_as_of)
    return Commission(
        id=row.id, order_id=row.order_id, referrer_id=row.referrer_id,
        order=Valued(Money(row.order_amount, row.currency), row.order_usd_cents, rate),
        percent=row.percent, amount=Money(row.amount, row.currency), usd_cents=row.usd_cents,
        status=CommissionStatus(row.status), created_at=row.created_at, updated_at=row.updated_at,
        approved_at=row.approved_at,
    )  # fmt: skip
