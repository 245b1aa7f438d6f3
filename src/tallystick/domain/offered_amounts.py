"""The amounts that something is sold in, per currency, where a merchant offers some only."""

from tallystick.domain.errors import HubError, Invalid
from tallystick.domain.money import Money

Offered = dict[str, tuple[int, ...]]
"""By currency the amounts in minor units; empty where any amount can be had."""


def check_offered(offered: Offered, amount: Money) -> None:
    """Raises Invalid, which names what is offered, for another amount or currency."""
    if amount in sums(offered):
        return
    same = [one for one in sums(offered) if one.currency == amount.currency]
    named = ", ".join(str(one) for one in same or sums(offered))
    if not same:
        words = f"is one of {', '.join(offered)}; there are {named}"
        raise Invalid(f"currency {words}.", (("currency", words),))
    minors = ", ".join(str(one.minor) for one in same)
    words = f"is one of {named}: {minors} in minor units"
    raise Invalid(f"amount {words}.", (("amount", words),))


def sums(offered: Offered) -> list[Money]:
    """All that is offered, the currencies as they are named, the least amount first."""
    return [Money(minor, currency) for currency, all_ in offered.items() for minor in all_]


def in_order(offered: Offered) -> Offered:
    """The same, each amount once and the least first.

    Raises ValueError for an unknown currency, for none of its amounts, and for what is no amount.
    """
    for currency, minors in offered.items():
        if not minors or min(minors) <= 0:
            raise ValueError(f"{currency} has at least one amount, each above 0")
        try:
            Money(max(minors), currency)
        except HubError as error:
            raise ValueError(error.detail) from error
    return {currency: tuple(sorted(set(minors))) for currency, minors in offered.items()}
