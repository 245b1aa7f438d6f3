"""What is left for the maintainers of a product: revenue less fees, running costs and tax."""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from tallystick.domain.exchange import nearest
from tallystick.settings import Settings


@dataclass(frozen=True, slots=True)
class Fee:
    """What a gateway keeps of each sale from a day on: a share, and so much for each one."""

    since: date
    basis_points: int = 0
    usd_cents: int = 0


Fees = Mapping[str, Sequence[Fee]]
NO_FEE: Final = Fee(date.min)
FEES: Final[Fees] = {
    # A bank transfer costs the receiver nothing; SePay, payOS and OnePay are paid by the month.
    "sepay": (NO_FEE,),
    "payos": (NO_FEE,),
    "onepay": (NO_FEE,),
    "onepay_vpc": (NO_FEE,),
    "govpay": (NO_FEE,),
    # polar.sh/docs/merchant-of-record/fees: early members 4 % + 40 ¢; then Starter, 5 % + 50 ¢.
    "polar": (Fee(date.min, 400, 40), Fee(date(2026, 5, 27), 500, 50)),
}
"""The dated table of fees, each gateway's in order. Another gateway costs nothing."""


@dataclass(frozen=True, slots=True)
class Takings:
    """What one gateway took in, and gave back, on one day."""

    day: date
    provider: str
    orders: int
    usd_cents: int
    refunded_usd_cents: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a merchant sets: fees, running costs a month, and the tax on what is left."""

    fees: Fees = field(default_factory=lambda: FEES)
    monthly_costs_usd_cents: int = 50_000
    tax_basis_points: int = 1_700


def terms_of(settings: Settings) -> Terms:
    """What maintainers are paid by, where the merchant said something of it."""
    own = {
        name: tuple(
            Fee(entry.since, int(entry.percent * 100), entry.usd_cents)
            for entry in sorted(entries, key=lambda one: one.since)
        )
        for name, entries in settings.gateway_fees.items()
    }
    tax = int(settings.tax_percent * 100)
    return Terms({**FEES, **own}, settings.operating_costs_usd_cents, tax)


@dataclass(frozen=True, slots=True)
class Payout:
    """The maintainers' account of a period, in US cents; only what is left may be below zero."""

    gross: int
    refunded: int
    fees: int
    costs: int
    tax: int

    @property
    def net(self) -> int:
        """What is paid out."""
        return self.gross - self.fees - self.costs - self.tax


def fee_on(fees: Fees, provider: str, day: date) -> Fee:
    """The fee that was in force on a day."""
    in_force = [fee for fee in fees.get(provider, ()) if fee.since <= day]
    return in_force[-1] if in_force else NO_FEE


def fees_of(fees: Fees, takings: Iterable[Takings]) -> int:
    """All fees of these days, rounded once. A gateway keeps its fee when money goes back."""
    exact = Fraction(0)
    for one in takings:
        fee = fee_on(fees, one.provider, one.day)
        exact += Fraction(one.usd_cents * fee.basis_points, 10_000) + one.orders * fee.usd_cents
    return nearest(exact)


def costs_of(monthly: int, first: date, last: date) -> Fraction:
    """The running costs from one day to another, both included, by the day of each month."""
    exact, day = Fraction(0), first
    while day <= last:
        days = monthrange(day.year, day.month)[1]
        end = min(last, day.replace(day=days))
        exact += Fraction(monthly * ((end - day).days + 1), days)
        day = end + timedelta(days=1)
    return exact


def payout(
    terms: Terms,
    chosen: Sequence[Takings],
    everything: Sequence[Takings],
    span: tuple[date, date],
) -> Payout:
    """The account of the chosen products, which bear the running costs by their revenue.

    `everything` is what all products took in; where that is nothing, whoever asks for everything
    bears all the costs, and a choice of products bears none.
    """
    gross, whole = _revenue(chosen), _revenue(everything)
    part = Fraction(max(gross, 0), whole) if whole > 0 else Fraction(int(chosen is everything))
    costs = nearest(costs_of(terms.monthly_costs_usd_cents, *span) * min(part, Fraction(1)))
    fees = fees_of(terms.fees, chosen)
    left = gross - fees - costs
    tax = nearest(Fraction(max(left, 0) * terms.tax_basis_points, 10_000))
    return Payout(gross, sum(one.refunded_usd_cents for one in chosen), fees, costs, tax)


def _revenue(takings: Iterable[Takings]) -> int:
    return sum(one.usd_cents - one.refunded_usd_cents for one in takings)
