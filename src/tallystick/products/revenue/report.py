"""Reports: revenue, and what is left for the maintainers, at the rates that were stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from sqlalchemy import Connection

from tallystick.domain.days import day_of, end_of, start_of, zone
from tallystick.domain.errors import Invalid
from tallystick.domain.exchange import nearest
from tallystick.flows.hub import Hub
from tallystick.products.revenue import sale_rows
from tallystick.products.revenue.payout import Fees, Payout, Takings, payout, terms_of
from tallystick.products.revenue.sale_rows import Span, Totals

_DAY = timedelta(days=1)
Border = date | datetime | None
"""A whole day of the report's time zone, an instant, or no border."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to report on: all of it must hold. `zone` is the merchant's where it is not given."""

    start: Border = None
    end: Border = None
    zone: str | None = None
    products: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revenue:
    """What was sold in a time, in lines for each provider and currency; sums in US cents."""

    zone: str
    lines: tuple[Totals, ...]

    @property
    def total(self) -> int:
        """All that was sold, before anything went back."""
        return sum(line.usd_cents for line in self.lines)

    @property
    def refunded(self) -> int:
        """What went back in this time."""
        return sum(line.refunded_usd_cents for line in self.lines)

    @property
    def average(self) -> int:
        """What one order brought on average; 0 where there was none."""
        return nearest(Fraction(self.total, self.orders)) if self.orders else 0

    @property
    def orders(self) -> int:
        """How many orders were completed."""
        return sum(line.orders for line in self.lines)


async def keep_days(hub: Hub) -> bool:
    """Count days as the setting says; called at the start. The sums are made anew where it moved.

    Raises Invalid for a time zone that does not exist.
    """
    name = hub.settings.time_zone
    zone(name)
    return await hub.database.write(lambda tx: sale_rows.keep_zone(tx, name))


async def revenue(hub: Hub, wanted: Wanted) -> Revenue:
    """What was sold. Raises Invalid for a time zone or borders that make no sense."""
    name = wanted.zone or hub.settings.time_zone
    zone(name)
    _check(wanted)
    return await hub.database.read(lambda tx: Revenue(name, tuple(_lines(tx, wanted, name))))


async def maintainers(hub: Hub, wanted: Wanted) -> tuple[Payout, tuple[date, date]]:
    """What is left of the chosen products' revenue, and the days that it is of.

    Both borders are days; a missing one is that of the current month.
    """
    name = wanted.zone or hub.settings.time_zone
    first, last = _month(wanted, day_of(hub.now(), zone(name)))
    terms = terms_of(hub.settings)

    def body(tx: Connection) -> Payout:
        everything = _takings(tx, Wanted(zone=name), (first, last), terms.fees)
        chosen = everything
        if wanted.products:
            chosen = _takings(
                tx, Wanted(zone=name, products=wanted.products), (first, last), terms.fees
            )
        return payout(terms, chosen, everything, (first, last))

    return await hub.database.read(body), (first, last)


def _lines(tx: Connection, wanted: Wanted, name: str) -> list[Totals]:
    """From the daily sums where they can answer, else from one aggregate over the sales."""
    days = _days(wanted)
    if days is not None and not wanted.products and name == sale_rows.kept_zone(tx):
        return sale_rows.rolled(tx, *days, providers=wanted.providers)
    where = zone(name)
    start = _instant(wanted.start, lambda day: start_of(day, where))
    end = _instant(wanted.end, lambda day: end_of(day, where))
    return sale_rows.summed(tx, Span(start, end), wanted.products, wanted.providers)


def _days(wanted: Wanted) -> tuple[date | None, date | None] | None:
    """The borders where both are days, or none at all."""
    borders = (wanted.start, wanted.end)
    if any(isinstance(border, datetime) for border in borders):
        return None
    return borders


def _instant(border: Border, of_day: Callable[[date], datetime]) -> datetime | None:
    return border if border is None or isinstance(border, datetime) else of_day(border)


def _check(wanted: Wanted) -> None:
    start, end = wanted.start, wanted.end
    if start is None or end is None or type(start) is not type(end):
        return
    if end < start:
        raise Invalid("The end is before the start.", (("endDate", "not before startDate"),))


def _month(wanted: Wanted, today: date) -> tuple[date, date]:
    if any(isinstance(border, datetime) for border in (wanted.start, wanted.end)):
        raise Invalid("start and end are days here, such as 2026-11-01.")
    first = wanted.start or (wanted.end or today).replace(day=1)
    last = wanted.end or _end_of_month(max(today, first))
    if last < first:
        raise Invalid("The end is before the start.", (("end", "not before start"),))
    return first, last


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - _DAY


def _takings(
    tx: Connection, wanted: Wanted, span: tuple[date, date], fees: Fees
) -> Sequence[Takings]:
    """What came in, cut at the days on which a fee changes."""
    found = []
    for start, after in pairwise(_cuts(fees, *span)):
        part = Wanted(start, after - _DAY, wanted.zone, wanted.products)
        found += [
            Takings(start, line.provider, line.orders, line.usd_cents, line.refunded_usd_cents)
            for line in _lines(tx, part, wanted.zone or sale_rows.UTC)
        ]
    return found


def _cuts(fees: Fees, first: date, last: date) -> list[date]:
    """The first day, every day on which a fee begins to hold, and the day after the last."""
    changes = {fee.since for entries in fees.values() for fee in entries}
    return [first, *sorted(day for day in changes if first < day <= last), last + _DAY]
