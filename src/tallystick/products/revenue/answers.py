"""The shapes of what revenue and referrals are answered with."""

from typing import Final

from tallystick.domain.exchange import RateSource
from tallystick.products.revenue.referral import CommissionStatus, LineKind, Tier
from tallystick.web.schema_parts import (
    COUNT,
    CURRENCY,
    INSTANT,
    MINOR,
    NUMBER,
    PERCENT,
    SIGNED,
    TEXT,
    Schema,
    many,
    object_,
    one_of,
    or_null,
    ref,
)

_RATE: Final = {
    "commissionRate": {**NUMBER, "maximum": 1, "description": "A fraction: 0.20 is 20 %."},
    "commissionPercent": PERCENT,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Referrer": object_(
        id=TEXT, email=TEXT, code=TEXT, buyerDiscountPercent=PERCENT, tier=one_of(Tier),
        **_RATE, revenue=SIGNED, balance=SIGNED, currency=CURRENCY,
        balances={"type": "object", "additionalProperties": SIGNED},
        nextTier=or_null(object_({"tier": one_of(Tier), "from": MINOR})), createdAt=INSTANT,
    ),
    "Commission": object_(
        id=TEXT, orderId=TEXT, referrerId=TEXT, orderAmount=MINOR, orderCurrency=CURRENCY,
        **_RATE, commissionAmount=MINOR, commissionCurrency=CURRENCY,
        orderAmountUsdCents=MINOR, commissionAmountUsdCents=MINOR, exchangeRate=NUMBER,
        exchangeRateSource=one_of(RateSource), exchangeRateAt=INSTANT,
        status=one_of(CommissionStatus), createdAt=INSTANT, updatedAt=INSTANT,
        clawedBackAmount=MINOR, paidOutAmount=MINOR, approvedAt=or_null(INSTANT),
        paidAt=or_null(INSTANT), cancelledAt=or_null(INSTANT),
        lines=many(object_(kind=one_of(LineKind), amount=SIGNED, currency=CURRENCY,
                            usdCents=SIGNED, at=INSTANT)),
    ),
    "RevenueLine": object_(
        provider=TEXT, currency=CURRENCY, orderCount=COUNT, amount=MINOR, usdCents=MINOR,
        refundCount=COUNT, refundedAmount=MINOR, refundedUsdCents=MINOR,
    ),
    "Revenue": object_(
        totalUsdCents=MINOR, byProvider={"type": "object", "additionalProperties": MINOR},
        byCurrency={"type": "object", "additionalProperties": MINOR}, orderCount=COUNT,
        averageOrderValueCents=MINOR, refundedUsdCents=MINOR, netUsdCents=SIGNED,
        conversionSources={"type": "object", "additionalProperties": COUNT}, timeZone=TEXT,
        lines=many(ref("RevenueLine")),
    ),
    "MaintainerRevenue": object_(
        grossRevenue=SIGNED, platformFees=MINOR, operatingCosts=MINOR, taxDeduction=MINOR,
        netPayout=SIGNED, currency=CURRENCY, refunded=MINOR, start=TEXT, end=TEXT,
    ),
    "CommissionNews": {"type": "object", "properties": {"id": TEXT, "referrerId": TEXT},
                       "required": ["referrerId"], "additionalProperties": True},
    "TierNews": object_(
        referrerId=TEXT, tier=TEXT, commissionRate=NUMBER, commissionPercent=PERCENT
    ),
}  # fmt: skip
