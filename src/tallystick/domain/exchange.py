"""Exchange rates: what one currency is worth in US cents, exactly, with one rounding rule.

Every division of money in the hub rounds once, to the nearest minor unit, halves away from zero. A
rate is frozen with the thing that it valued, so no report ever converts again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, Self

from tallystick.domain.errors import CurrencyUnknown, Invalid
from tallystick.domain.money import Money, exponent

BASE: Final = "USD"
"""What all rates are against, and what reports count in."""

MOST_DIGITS: Final = 15
"""Significant digits of a rate: as many as every reader of JSON numbers keeps exactly."""

_CONTEXT: Final = Context(prec=MOST_DIGITS, rounding=ROUND_HALF_EVEN)
_LARGEST: Final = Decimal("1e12")
_SMALLEST: Final = Decimal("1e-9")


class RateSource(StrEnum):
    """The layer that an answer came from, the best first."""

    API = "api"
    CACHED = "cached"
    EXPIRED = "expired"
    FALLBACK = "fallback"


def rate(value: Decimal) -> Decimal:
    """A usable rate: positive, of a sane size, to 15 digits. Raises Invalid."""
    if not value.is_finite() or not _SMALLEST <= value <= _LARGEST:
        raise Invalid("An exchange rate is a positive number of units for one US dollar.")
    return _CONTEXT.plus(value)


def plain(value: Decimal) -> str:
    """The rate as text, without an exponent or trailing zeros: "24500", "25412.37"."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(value: Decimal) -> int | float:
    """The rate as a JSON number: its 15 digits are those that every reader sees."""
    return int(value) if value == value.to_integral_value() else float(value)


def nearest(exact: Fraction) -> int:
    """The one rounding rule: to the nearest whole, halves away from zero."""
    size = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return size if exact >= 0 else -size


def share(whole: int, part: int, of: int) -> int:
    """`whole` in the proportion `part` : `of`, rounded once. All of it for all of the parts."""
    return whole if part == of else nearest(Fraction(whole * part, of))


@dataclass(frozen=True, slots=True)
class Rate:
    """How many units of `currency` one US dollar bought at `as_of`, and who said so."""

    currency: str
    per_dollar: Decimal
    source: RateSource
    as_of: datetime

    def cents(self, amount: Money) -> int:
        """What the amount is worth in US cents. Raises CurrencyUnknown for another currency."""
        if amount.currency != self.currency:
            raise CurrencyUnknown(f"{amount} cannot be valued by a rate of {self.currency}.")
        units = Fraction(amount.minor, 10 ** exponent(amount.currency))
        return nearest(units * 10 ** exponent(BASE) / Fraction(self.per_dollar))

    @property
    def converts(self) -> bool:
        """Whether there was anything to convert: dollars are worth what they are."""
        return self.currency != BASE


@dataclass(frozen=True, slots=True)
class Valued:
    """An amount with its worth in US cents, and the rate that says so, kept for good."""

    amount: Money
    usd_cents: int
    rate: Rate

    @classmethod
    def at(cls, amount: Money, rate: Rate) -> Self:
        """The amount at this rate."""
        return cls(amount, rate.cents(amount), rate)


@dataclass(frozen=True, slots=True)
class Rates:
    """All rates of one layer at one time; what it does not know, the layer `below` may."""

    per_dollar: Mapping[str, Decimal]
    source: RateSource
    as_of: datetime
    below: "Rates | None" = None

    def of(self, currency: str) -> Rate:
        """The rate of one currency; a dollar is a dollar. Raises CurrencyUnknown."""
        known = Decimal(1) if currency == BASE else self.per_dollar.get(currency)
        if known is None and self.below is not None:
            return self.below.of(currency)
        if known is None:
            raise CurrencyUnknown(
                f"No exchange rate of {currency} is known, so it cannot be valued; the operator "
                "sets TALLYSTICK_EXCHANGE_RATE_URL or adds it to TALLYSTICK_EXCHANGE_RATE_FLOOR."
            )
        return Rate(currency, known, self.source, self.as_of)
