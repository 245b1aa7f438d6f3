"""The shapes of what revenue and referrals are answered with."""

from typing import Final

from typing_extensions import TypedDict

from tallystick.domain.answer_types import Count, Currency, Instant, Minor, Percent, Signed
from tallystick.products.revenue.referral import (
    CommissionNews,
    CommissionRate,
    LineKind,
    Tier,
    TierNews,
)
from tallystick.web.answer_schemas import Schemas

NextTier = TypedDict("NextTier", {"tier": Tier, "from": Minor})


class ReferrerAnswer(CommissionRate):
    """Who refers, at which tier, and what is owed to them."""

    id: str
    email: str
    code: str
    buyerDiscountPercent: Percent
    tier: Tier
    revenue: Signed
    balance: Signed
    currency: Currency
    balances: dict[str, Signed]
    nextTier: NextTier | None
    createdAt: Instant


class CommissionLine(TypedDict):
    """One movement of a commission."""

    kind: LineKind
    amount: Signed
    currency: Currency
    usdCents: Signed
    at: Instant


class CommissionAnswer(CommissionNews):
    """A commission with its lines."""

    clawedBackAmount: Minor
    paidOutAmount: Minor
    paidAt: Instant | None
    cancelledAt: Instant | None
    lines: list[CommissionLine]


class RevenueLineAnswer(TypedDict):
    """What one gateway took in one currency."""

    provider: str
    currency: Currency
    orderCount: Count
    amount: Minor
    usdCents: Minor
    refundCount: Count
    refundedAmount: Minor
    refundedUsdCents: Minor


class RevenueAnswer(TypedDict):
    """What was sold, at the rates of the sales."""

    totalUsdCents: Minor
    byProvider: dict[str, Minor]
    byCurrency: dict[str, Minor]
    orderCount: Count
    averageOrderValueCents: Minor
    refundedUsdCents: Minor
    netUsdCents: Signed
    conversionSources: dict[str, Count]
    timeZone: str
    lines: list[RevenueLineAnswer]


class MaintainerRevenueAnswer(TypedDict):
    """What is left for the maintainers."""

    grossRevenue: Signed
    platformFees: Minor
    operatingCosts: Minor
    taxDeduction: Minor
    netPayout: Signed
    currency: Currency
    refunded: Minor
    start: str
    end: str


SCHEMAS: Final = Schemas(
    ReferrerAnswer, CommissionAnswer, RevenueLineAnswer, RevenueAnswer, MaintainerRevenueAnswer,
    CommissionNews, TierNews,
)  # fmt: skip
