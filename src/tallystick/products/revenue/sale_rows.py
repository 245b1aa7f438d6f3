"""Sales at their frozen worth, and the daily sums of them that move in the same transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC as UTC_ZONE
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.days import day_of, days, end_of, start_of, zone
from tallystick.domain.exchange import RateSource, Valued, share
from tallystick.products.revenue.tables import revenue_daily, revenue_zone, sales
from tallystick.store.columns import AnyRow, Whole

UTC: Final = "UTC"
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC_ZONE)
SUMS: Final = ("orders", "amount", "usd_cents", "refunds", "refunded", "refunded_usd_cents",
               *(f"by_{source}" for source in RateSource))  # fmt: skip
"""What is summed for each provider and currency; `by_…` counts conversions by their source."""


@dataclass(frozen=True, slots=True)
class Sale:
    """One delivered order. `worth` is what was earned, at the rate of the order."""

    order_id: str
    payment_id: str
    product: str
    provider: str
    worth: Valued


@dataclass(frozen=True, slots=True)
class Totals:
    """What was sold through one provider in one currency. Amounts are in minor units."""

    provider: str
    currency: str
    orders: int
    amount: int
    usd_cents: int
    refunds: int
    refunded: int
    refunded_usd_cents: int
    sources: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Span:
    """From one instant to another, the end left out; None has no border there."""

    start: datetime | None = None
    end: datetime | None = None


_BOOK = {
    "sqlite": sqlite_insert(sales).on_conflict_do_nothing(),
    "postgresql": pg_insert(sales).on_conflict_do_nothing(),
}
_SOLD_AS = select(
    sales.c.payment_id, sales.c.product, sales.c.provider, sales.c.amount, sales.c.currency,
    sales.c.usd_cents, sales.c.rate_source,
).where(sales.c.kind == "sale", sales.c.subject == bindparam("order_id"))  # fmt: skip
_ZONE = select(revenue_zone.c.zone).where(revenue_zone.c.id == 1).with_for_update(read=True)
_KEPT_ZONE = select(revenue_zone.c.zone).where(revenue_zone.c.id == 1)
_sqlite_zone, _pg_zone = sqlite_insert(revenue_zone), pg_insert(revenue_zone)
_SET_ZONE = {
    "sqlite": _sqlite_zone.on_conflict_do_update(
        index_elements=["id"], set_={"zone": _sqlite_zone.excluded.zone}
    ),
    "postgresql": _pg_zone.on_conflict_do_update(
        index_elements=["id"], set_={"zone": _pg_zone.excluded.zone}
    ),
}
_sqlite_day, _pg_day = sqlite_insert(revenue_daily), pg_insert(revenue_daily)
_MOVE = {
    "sqlite": _sqlite_day.on_conflict_do_update(
        index_elements=["day", "provider", "currency"],
        set_={name: revenue_daily.c[name] + _sqlite_day.excluded[name] for name in SUMS},
    ),
    "postgresql": _pg_day.on_conflict_do_update(
        index_elements=["day", "provider", "currency"],
        set_={name: revenue_daily.c[name] + _pg_day.excluded[name] for name in SUMS},
    ),
}


def _added(column: ColumnElement[Any], where: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(case((where, column), else_=0)), 0), Whole)


_SOLD, _BACK = sales.c.kind == "sale", sales.c.kind == "refund"
_ONE: Final = literal(1, Integer)
_AGGREGATES = (
    _added(_ONE, _SOLD).label("orders"),
    _added(sales.c.amount, _SOLD).label("amount"),
    _added(sales.c.usd_cents, _SOLD).label("usd_cents"),
    _added(_ONE, _BACK).label("refunds"),
    _added(sales.c.amount, _BACK).label("refunded"),
    _added(sales.c.usd_cents, _BACK).label("refunded_usd_cents"),
    *(
        _added(_ONE, _SOLD & (sales.c.rate_source == source) & (sales.c.currency != "USD")).label(
            f"by_{source}"
        )
        for source in RateSource
    ),
)
_KEY = (sales.c.provider, sales.c.currency)
_FULL = select(*_KEY, *_AGGREGATES).group_by(*_KEY).order_by(*_KEY)
_ROLLED = (
    select(
        revenue_daily.c.provider, revenue_daily.c.currency,
        *(cast(func.sum(revenue_daily.c[name]), Whole).label(name) for name in SUMS),
    )
    .group_by(revenue_daily.c.provider, revenue_daily.c.currency)
    .order_by(revenue_daily.c.provider, revenue_daily.c.currency)
)  # fmt: skip
_DAILY = select(
    revenue_daily.c.day, revenue_daily.c.provider, revenue_daily.c.currency,
    *(revenue_daily.c[name] for name in SUMS),
).where(revenue_daily.c.day == bindparam("day"))  # fmt: skip
_NEXT_SUMS = select(func.min(revenue_daily.c.day)).where(revenue_daily.c.day > bindparam("day"))
_NEXT_SALE = (
    select(sales.c.at).where(sales.c.at >= bindparam("start")).order_by(sales.c.at).limit(1)
)
_FORGET = delete(revenue_daily)
_BORDERS = select(
    func.min(sales.c.at, type_=sales.c.at.type).label("first"),
    func.max(sales.c.at, type_=sales.c.at.type).label("last"),
)
_WITHIN = (sales.c.at >= bindparam("start", type_=sales.c.at.type),
           sales.c.at < bindparam("end", type_=sales.c.at.type))  # fmt: skip
_OF_DAY = _FULL.where(*_WITHIN)
_FILL = insert(revenue_daily).from_select(
    ["day", "provider", "currency", *SUMS],
    select(cast(bindparam("day", type_=Text()), Text), *_KEY, *_AGGREGATES)
    .where(*_WITHIN)
    .group_by(*_KEY),
)


def sell(tx: Connection, sale: Sale, now: datetime) -> bool:
    """Book a sale and move its day; False where the order is booked already."""
    worth = sale.worth
    row = {
        "kind": "sale", "subject": sale.order_id, "order_id": sale.order_id,
        "payment_id": sale.payment_id, "product": sale.product, "provider": sale.provider,
        "amount": worth.amount.minor, "currency": worth.amount.currency,
        "usd_cents": worth.usd_cents, "rate_source": worth.rate.source, "at": now,
    }  # fmt: skip
    if tx.execute(_BOOK[tx.dialect.name], row).rowcount != 1:
        return False
    _move(tx, row, now)
    return True


def give_back(tx: Connection, order_id: str, before: int, back: int, now: datetime) -> bool:
    """Book that so much of a sale goes back, at its rate, after so much went back before.

    Worths are differences of running totals, so a whole refund takes back all of the worth. False
    where the order was never booked, or this refund is booked already.
    """
    sold = tx.execute(_SOLD_AS, {"order_id": order_id}).first()
    if sold is None:
        return False
    after = before + back
    worth = share(sold.usd_cents, after, sold.amount) - share(sold.usd_cents, before, sold.amount)
    row = {
        **sold._mapping, "kind": "refund", "subject": f"{order_id}/{after}",
        "order_id": order_id, "amount": back, "usd_cents": worth, "at": now,
    }  # fmt: skip
    if tx.execute(_BOOK[tx.dialect.name], row).rowcount != 1:
        return False
    _move(tx, row, now)
    return True


def kept_zone(tx: Connection) -> str:
    """The time zone that the daily sums are in."""
    return str(tx.execute(_KEPT_ZONE).scalar() or UTC)


def keep_zone(tx: Connection, name: str) -> bool:
    """Count days in this time zone from now on; the sums are made anew where it is another.

    One statement for each day that there was. Sales that are booked meanwhile wait.
    """
    before = kept_zone(tx)
    tx.execute(_SET_ZONE[tx.dialect.name], {"id": 1, "zone": name})
    if name == before:
        return False
    tx.execute(_FORGET)
    for day, start, end in _days(tx, zone(name)):
        tx.execute(_FILL, {"day": day, "start": start, "end": end})
    return True


def rolled(
    tx: Connection, first: date | None, last: date | None, providers: Sequence[str] = ()
) -> list[Totals]:
    """The sums of whole days in the kept time zone; their cost does not grow with the orders."""
    query: Select[Any] = _ROLLED
    if first is not None:
        query = query.where(revenue_daily.c.day >= first.isoformat())
    if last is not None:
        query = query.where(revenue_daily.c.day <= last.isoformat())
    if providers:
        query = query.where(revenue_daily.c.provider.in_(providers))
    return [_totals(row) for row in tx.execute(query)]


def summed(
    tx: Connection, span: Span, products: Sequence[str] = (), providers: Sequence[str] = ()
) -> list[Totals]:
    """The same in one aggregate over the sales: any borders, and some products only."""
    query: Select[Any] = _FULL
    if span.start is not None:
        query = query.where(sales.c.at >= span.start)
    if span.end is not None:
        query = query.where(sales.c.at < span.end)
    if products:
        query = query.where(sales.c.product.in_(products))
    if providers:
        query = query.where(sales.c.provider.in_(providers))
    return [_totals(row) for row in tx.execute(query)]


def day_after(tx: Connection, day: str) -> str | None:
    """The next day that has sales, or sums of them; the first for an empty one."""
    where = zone(kept_zone(tx))
    start = end_of(date.fromisoformat(day), where) if day else _BEGINNING
    sold = tx.execute(_NEXT_SALE, {"start": start}).scalar()
    kept = tx.execute(_NEXT_SUMS, {"day": day}).scalar()
    found = [kept] if kept is not None else []
    if sold is not None:
        found.append(day_of(sold, where).isoformat())
    return min(found, default=None)


def differences(tx: Connection) -> Iterator[str]:
    """A line for each sum of any day that is not that of its sales."""
    last = ""
    while (day := day_after(tx, last)) is not None:
        yield from wrong_sums(tx, day)
        last = day


def wrong_sums(tx: Connection, day: str) -> Iterator[str]:
    """The same for one day."""
    where = zone(kept_zone(tx))
    rows = tx.execute(_DAILY, {"day": day})
    kept = {(row.provider, row.currency): _sums(row) for row in rows}
    on = date.fromisoformat(day)
    for row in tx.execute(_OF_DAY, {"start": start_of(on, where), "end": end_of(on, where)}):
        said, true = kept.pop((row.provider, row.currency), None), _sums(row)
        if said != true:
            yield f"{day} {row.provider} {row.currency} says {said}, its sales {true}"
    for (provider, currency), said in kept.items():
        if any(said):
            yield f"{day} {provider} {currency} says {said} without a sale"


def _days(tx: Connection, where: ZoneInfo) -> Iterator[tuple[str, datetime, datetime]]:
    """Every day from the first sale to the last, with its borders."""
    borders = tx.execute(_BORDERS).one()
    if borders.first is not None:
        for day in days(borders.first, borders.last, where):
            yield day.isoformat(), start_of(day, where), end_of(day, where)


def _move(tx: Connection, row: Mapping[str, Any], now: datetime) -> None:
    """Add one sale or refund to its day, in the time zone that is kept."""
    day = day_of(now, zone(str(tx.execute(_ZONE).scalar() or UTC)))
    sums = dict.fromkeys(SUMS, 0)
    if row["kind"] == "sale":
        sums |= {"orders": 1, "amount": row["amount"], "usd_cents": row["usd_cents"]}
        if row["currency"] != "USD":
            sums[f"by_{row['rate_source']}"] = 1
    else:
        sums |= {"refunds": 1, "refunded": row["amount"], "refunded_usd_cents": row["usd_cents"]}
    key = {"day": day.isoformat(), "provider": row["provider"], "currency": row["currency"]}
    tx.execute(_MOVE[tx.dialect.name], {**key, **sums})


def _sums(row: AnyRow) -> tuple[int, ...]:
    return tuple(int(row._mapping[name]) for name in SUMS)


def _totals(row: AnyRow) -> Totals:
    sums = dict(zip(SUMS, _sums(row), strict=True))
    sources = {str(source): sums.pop(f"by_{source}") for source in RateSource}
    return Totals(provider=row.provider, currency=row.currency, sources=sources, **sums)
