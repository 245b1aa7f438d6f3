"""Referrals: tiers by referred revenue, commissions, and what a refund takes back of them."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from typing_extensions import TypedDict

from tallystick.domain.answer_types import (
    Currency,
    Instant,
    Minor,
    Number,
    Percent,
    Shown,
)
from tallystick.domain.document import instant
from tallystick.domain.errors import Conflict
from tallystick.domain.exchange import Rate, RateSource, Valued, number, share
from tallystick.domain.money import Money

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,31}")


class Tier(StrEnum):
    """How much somebody has referred, the least first."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder: from how many US cents of referred revenue, and what it pays."""

    tier: Tier
    from_usd_cents: int
    percent: int


LADDER: Final = (
    Step(Tier.BRONZE, 0, 20),
    Step(Tier.SILVER, 50_000, 25),
    Step(Tier.GOLD, 150_000, 30),
    Step(Tier.PLATINUM, 500_000, 35),
)


def step_of(referred_usd_cents: int) -> Step:
    """The step that this much referred revenue stands on; refunds may have made it negative."""
    reached = [step for step in LADDER if referred_usd_cents >= step.from_usd_cents]
    return reached[-1] if reached else LADDER[0]


def next_step(step: Step) -> Step | None:
    """The step above, or None at the top."""
    above = LADDER.index(step) + 1
    return LADDER[above] if above < len(LADDER) else None


class CommissionStatus(StrEnum):
    """What is to become of a commission."""

    PENDING = "pending"
    APPROVED = "approved"
    PAID = "paid"
    CANCELLED = "cancelled"


class Deed(StrEnum):
    """What somebody, or a refund, does to a commission."""

    APPROVE = "approve"
    PAY = "pay"
    CANCEL = "cancel"


STATUS_MOVES: Final[dict[tuple[CommissionStatus, Deed], CommissionStatus]] = {
    (CommissionStatus.PENDING, Deed.APPROVE): CommissionStatus.APPROVED,
    (CommissionStatus.APPROVED, Deed.PAY): CommissionStatus.PAID,
    # A refund of the whole order: there is nothing left to pay. What is paid stays paid, and the
    # line that claws it back is a debt that the next payout carries.
    (CommissionStatus.PENDING, Deed.CANCEL): CommissionStatus.CANCELLED,
    (CommissionStatus.APPROVED, Deed.CANCEL): CommissionStatus.CANCELLED,
}
"""A pair that is not here is refused."""

_PAST: Final = {Deed.APPROVE: "approved", Deed.PAY: "paid", Deed.CANCEL: "cancelled"}


def moved(status: CommissionStatus, deed: Deed) -> CommissionStatus:
    """Where the deed leads. Raises Conflict with what can be done instead."""
    after = STATUS_MOVES.get((status, deed))
    if after is None:
        hint = "; approve it first" if (status, Deed.APPROVE) in STATUS_MOVES else ""
        raise Conflict(f"The commission is {status}, so it cannot be {_PAST[deed]}{hint}.")
    return after


class LineKind(StrEnum):
    """Why a referrer's account moved."""

    EARNED = "earned"
    CLAWED_BACK = "clawed_back"
    PAID_OUT = "paid_out"


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: the revenue that it stands for and the commission, both signed."""

    kind: LineKind
    order_usd_cents: int
    amount: Money
    usd_cents: int


@dataclass(frozen=True, slots=True)
class Commission:
    """What one order earned its referrer. Everything but the status is frozen."""

    id: str
    order_id: str
    referrer_id: str
    order: Valued
    percent: int
    amount: Money
    usd_cents: int
    status: CommissionStatus
    created_at: datetime
    updated_at: datetime
    approved_at: datetime | None = None

    @property
    def rate(self) -> Rate:
        """The exchange rate of the order, which values the commission too."""
        return self.order.rate

    def earned(self) -> Line:
        """The first line: all of it."""
        return Line(LineKind.EARNED, self.order.usd_cents, self.amount, self.usd_cents)

    def clawed_back(self, returned_before: int, returned_now: int) -> Line:
        """What goes back when so much more of the order's amount does.

        Each line is the difference of two running totals, so that whatever the parts are, a whole
        refund takes back the whole commission, to the unit.
        """
        whole = self.order.amount.minor
        after = min(returned_before + returned_now, whole)

        def difference(of: int) -> int:
            return share(of, returned_before, whole) - share(of, after, whole)

        return Line(
            LineKind.CLAWED_BACK,
            difference(self.order.usd_cents),
            Money(difference(self.amount.minor), self.amount.currency),
            difference(self.usd_cents),
        )


def commission_of(amount: Money, percent: int) -> Money:
    """The share of an order's amount that its referrer gets."""
    return Money(share(amount.minor, percent, 100), amount.currency)


@dataclass(frozen=True, slots=True)
class Sum:
    """Commission money in its own currency and in US cents."""

    minor: int
    usd_cents: int

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.minor + other.minor, self.usd_cents + other.usd_cents)


def payout(left: Sum, carried: Sum) -> Sum:
    """What is paid for a commission of which so much is left, beside what paid ones still owe.

    A refund after a payout leaves a debt; it is taken off here, and what does not fit stays.
    """
    due = left + carried
    return due if due.minor > 0 else Sum(0, 0)


def normal_code(text: str) -> str:
    """A referral code as it is kept: capitals, no spaces around. "" where it can be none."""
    code = text.strip().upper()
    return code if _CODE.fullmatch(code) else ""


class CommissionRate(TypedDict):
    """A rate as the order system's readers multiply by it, 0.20, and beside it in percent, 20."""

    commissionRate: Annotated[
        float, Shown(minimum=0, maximum=1, description="A fraction: 0.20 is 20 %.")
    ]
    commissionPercent: Percent


class CommissionNews(CommissionRate):
    """A commission as merchants' systems are told of it."""

    id: str
    orderId: str
    referrerId: str
    orderAmount: Minor
    orderCurrency: Currency
    commissionAmount: Minor
    commissionCurrency: Currency
    orderAmountUsdCents: Minor
    commissionAmountUsdCents: Minor
    exchangeRate: Number
    exchangeRateSource: RateSource
    exchangeRateAt: Instant
    status: CommissionStatus
    createdAt: Instant
    updatedAt: Instant
    approvedAt: Instant | None


class TierNews(CommissionRate):
    """A referrer who has reached the next tier."""

    referrerId: str
    tier: str


def told(commission: Commission) -> CommissionNews:
    """A commission as the API shows it, and as merchants' systems are told of it."""
    rate = commission.rate
    return {
        "id": commission.id,
        "orderId": commission.order_id,
        "referrerId": commission.referrer_id,
        "orderAmount": commission.order.amount.minor,
        "orderCurrency": commission.order.amount.currency,
        **rate_of(commission.percent),
        "commissionAmount": commission.amount.minor,
        "commissionCurrency": commission.amount.currency,
        "orderAmountUsdCents": commission.order.usd_cents,
        "commissionAmountUsdCents": commission.usd_cents,
        "exchangeRate": number(rate.per_dollar),
        "exchangeRateSource": rate.source,
        "exchangeRateAt": instant(rate.as_of),
        "status": commission.status,
        "createdAt": instant(commission.created_at),
        "updatedAt": instant(commission.updated_at),
        "approvedAt": instant(commission.approved_at),
    }


def rate_of(percent: int) -> CommissionRate:
    """A rate as readers of the replaced system multiply by it, and in percent."""
    return {"commissionRate": percent / 100, "commissionPercent": percent}
