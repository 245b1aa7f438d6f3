"""Coupons: what they take off, how often, for whom, and what Polar is to know of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tallystick.domain.errors import CouponUnknown
from tallystick.domain.money import Money
from tallystick.products.orders.pricing import Discount

_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,63}")


class CouponType(StrEnum):
    """What a coupon takes off."""

    PERCENT = "percent"
    FIXED = "fixed"


class UseState(StrEnum):
    """What became of one use of a coupon: held for an order, kept when paid, or given back."""

    RESERVED = "reserved"
    REDEEMED = "redeemed"
    RELEASED = "released"


class SyncOutcome(StrEnum):
    """What telling Polar came to, in the words of the replaced order system."""

    DECREMENTED = "decremented"
    DELETED = "deleted"
    ALREADY_DELETED = "already_deleted"
    SKIPPED_UNLIMITED = "skipped_unlimited"
    ALREADY_SYNCED = "already_synced"


@dataclass(frozen=True, slots=True)
class Coupon:
    """One coupon with its counters. `elsewhere` is what Polar itself has redeemed of it."""

    id: str
    code: str
    type: CouponType
    percent: int | None
    amounts: Mapping[str, int]
    max_redemptions: int | None
    per_customer: int | None
    reserved: int
    redeemed: int
    elsewhere: int
    expires_at: datetime | None
    active: bool
    polar_discount_id: str | None
    polar_outcome: SyncOutcome | None
    polar_told_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def discount(self, currency: str) -> Discount:
        """What it takes off a price in this currency. Raises CouponUnknown where it has none."""
        if self.type is CouponType.PERCENT:
            return Discount(percent=self.percent or 0)
        if currency not in self.amounts:
            known = ", ".join(sorted(self.amounts))
            raise CouponUnknown(f"The coupon {self.code} is for {known}, not for {currency}.")
        return Discount(fixed=self.amounts[currency])

    def words(self, currency: str) -> str:
        """What it takes off, for people."""
        off = self.discount(currency)
        return f"{Money(off.fixed, currency)} off" if off.fixed else f"{off.percent} % off"


def normal_code(text: str) -> str:
    """A coupon code as it is kept: in capitals. "" where it can be none."""
    code = text.strip().upper()
    return code if _CODE.fullmatch(code) else ""


class Tell(StrEnum):
    """What is to be done at Polar."""

    LOWER = "lower"
    DELETE = "delete"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The limit that Polar's discount should have, so that both together keep the cap."""

    tell: Tell
    limit: int


def wanted_at_polar(
    most: int, redeemed_here: int, limit_there: int | None, redeemed_there: int
) -> Wanted:
    """The state that Polar should be in, from counts alone, so that telling twice is telling once.

    Polar lets a discount be used while `redemptions_count < max_redemptions`, and knows no limit
    below 1: where nothing is left, the discount is deleted. What was lowered there is not raised.
    """
    limit = most - redeemed_here
    if limit < 1 or limit <= redeemed_there:
        return Wanted(Tell.DELETE, 0)
    if limit_there is not None and limit_there <= limit:
        return Wanted(Tell.NOTHING, limit_there)
    return Wanted(Tell.LOWER, limit)
