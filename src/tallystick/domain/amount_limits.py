"""The least and the greatest amount of something that is sold, per currency."""

from typing import Final

from tallystick.domain.errors import HubError, Invalid
from tallystick.domain.money import LARGEST_MINOR, Money

Limits = dict[str, tuple[int, int]]
"""By currency the least and the greatest amount in minor units; others have no limits of ours."""

USUAL: Final[Limits] = {
    # One instant transfer is below 500 million dong (NAPAS), and below 5 million rupees (CEFTS).
    "VND": (1_000, 499_999_999),
    "LKR": (1_000, 499_999_999),
    "USD": (100, 1_000_000),
}


def check_limits(limits: Limits, amount: Money) -> None:
    """Raises Invalid, with both limits in its words, for an amount beyond them."""
    if not within(limits, amount):
        lower, upper = span(limits, amount.currency)
        words = f"is from {lower} to {upper}: {lower.minor} to {upper.minor} in minor units"
        raise Invalid(f"amount {words}.", (("amount", words),))


def within(limits: Limits, amount: Money) -> bool:
    """Whether it is an amount that can be sold."""
    least, greatest = span(limits, amount.currency)
    return least <= amount <= greatest


def span(limits: Limits, currency: str) -> tuple[Money, Money]:
    """The least and the greatest amount in this currency."""
    least, greatest = limits.get(currency, (1, LARGEST_MINOR))
    return Money(least, currency), Money(greatest, currency)


def usable(limits: Limits) -> Limits:
    """The same. Raises ValueError for an unknown currency, and for what can be no limits."""
    for currency, (least, greatest) in limits.items():
        try:
            Money(greatest, currency)
        except HubError as error:
            raise ValueError(error.detail) from error
        if not 0 < least <= greatest:
            raise ValueError(f"{currency} has a least amount above 0 and not above the greatest")
    return limits
