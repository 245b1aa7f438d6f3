"""What an order costs: list price, then coupon, then referral discount, in whole minor units.

There is one rounding rule: a share is rounded to the nearest minor unit, halves up. The order of
the steps is fixed, because 10 % after a fixed discount is another amount than before it.
"""

from dataclasses import dataclass
from typing import Final

from tallystick.domain.errors import Invalid
from tallystick.domain.money import LARGEST_MINOR

WHOLE: Final = 10_000
"""All of it, in basis points: 100 of them are one percent."""


@dataclass(frozen=True, slots=True)
class Discount:
    """What one step takes off: a share in percent, or a fixed amount of minor units."""

    percent: int = 0
    fixed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no discount: one is set, and neither is out of range."""
        if not (0 <= self.percent <= 100 and 0 <= self.fixed <= LARGEST_MINOR):
            raise Invalid("A discount is from 0 to 100 percent, or an amount from 0.")
        if self.percent and self.fixed:
            raise Invalid("A discount is a percentage or an amount, not both.")

    def off(self, minor: int) -> int:
        """What it takes off this amount; never more than there is."""
        return min(minor, self.fixed) if self.fixed else share(minor, self.percent)


NOTHING_OFF: Final = Discount()


@dataclass(frozen=True, slots=True)
class Quote:
    """A price and how it came about; the lines add up: list - coupon - referral = final.

    `rate` is the discount as a whole in basis points of the list price.
    """

    unit: int
    quantity: int
    listed: int
    coupon: int
    referral: int
    final: int
    rate: int

    @property
    def discount(self) -> int:
        """Everything that was taken off."""
        return self.coupon + self.referral


def share(minor: int, percent: int) -> int:
    """So many percent of an amount, to the nearest minor unit, halves up."""
    return (2 * minor * percent + 100) // 200


def price(
    unit: int, quantity: int, coupon: Discount = NOTHING_OFF, referral_percent: int = 0
) -> Quote:
    """The price of `quantity` pieces at `unit` each. Raises Invalid where it is no sane amount."""
    if unit <= 0 or quantity <= 0 or unit * quantity > LARGEST_MINOR:
        raise Invalid("The price of so many is not an amount that can be paid.")
    referral = Discount(percent=referral_percent)
    listed = unit * quantity
    by_coupon = coupon.off(listed)
    by_referral = referral.off(listed - by_coupon)
    final = listed - by_coupon - by_referral
    rate = _rate(coupon, referral, listed, final)
    return Quote(unit, quantity, listed, by_coupon, by_referral, final, rate)


def _rate(coupon: Discount, referral: Discount, listed: int, final: int) -> int:
    """As it was promised where only percentages are in it, else as it came out."""
    if not coupon.fixed:
        return WHOLE - (100 - coupon.percent) * (100 - referral.percent)
    return (2 * (listed - final) * WHOLE + listed) // (2 * listed)
