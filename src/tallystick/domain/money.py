"""An amount of one currency, counted in whole minor units."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Self

from iso4217 import Currency

from tallystick.domain.errors import AmountInvalid, CurrencyUnknown, MoneyMismatch

# The largest integer that JSON readers in every language keep exact (2^53 - 1).
LARGEST_MINOR = 9_007_199_254_740_991
_DECIMAL = re.compile(r"-?[0-9]{1,16}(\.[0-9]{0,16})?")


@cache
def exponent(currency: str) -> int:
    """How many decimals the currency has: VND 0, USD 2, BHD 3 (ISO 4217, yearly table).

    Raises CurrencyUnknown for anything that is not an upper-case ISO 4217 code of money.
    """
    try:
        digits = Currency(currency).exponent
    except ValueError:
        digits = None
    if digits is None:
        raise CurrencyUnknown(
            f"{currency[:8]!r} is not an ISO 4217 currency; use a code such as VND, LKR or USD."
        )
    return int(digits)


@cache
def currencies() -> tuple[str, ...]:
    """Every currency code that money can be counted in, in alphabetical order."""
    return tuple(sorted(c.code for c in Currency if c.exponent is not None))


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` whole minor units of `currency`. Arithmetic never mixes currencies."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is not exact: bool, float, an unknown currency, an unsafe size."""
        if type(self.minor) is not int:
            raise AmountInvalid(f"An amount is a whole number of minor units, not {self.minor!r}.")
        if abs(self.minor) > LARGEST_MINOR:
            raise AmountInvalid(f"An amount stays within ±{LARGEST_MINOR} minor units.")
        exponent(self.currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read a decimal string of major units, as gateways send it ("1500.00" LKR).

        Raises AmountInvalid for all but digits with one point, and where the text has more
        decimals than the currency, unless they are zeros ("50000.00" VND).
        """
        digits = exponent(currency)
        whole, _, fraction = text.partition(".")
        if not _DECIMAL.fullmatch(text) or fraction[digits:].strip("0"):
            raise AmountInvalid(f"{text[:32]!r} is not an exact amount of {currency}.")
        return cls(int(whole + fraction[:digits].ljust(digits, "0")), currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __str__(self) -> str:
        return f"{self.major()} {self.currency}"

    def major(self) -> str:
        """The amount in major units with the currency's own decimals: "19.99", "50000"."""
        return f"{Decimal(self.minor).scaleb(-exponent(self.currency)):f}"

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise MoneyMismatch(f"{self} and {other} are of different currencies.")
        return other.minor
