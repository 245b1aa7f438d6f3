"""Sales with their frozen worth, the daily sums of them, and referrals."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)

from tallystick.domain.exchange import RateSource
from tallystick.products.revenue.referral import CommissionStatus, LineKind
from tallystick.store.columns import Instant, Whole
from tallystick.store.schema.base import one_of, table

# `subject` is the order of a sale; of a refund, with all that has gone back by then.
sales = table(
    "sales",
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("order_id", Text, nullable=False, index=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("product", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("usd_cents", Whole, nullable=False),
    Column("rate_source", Text, nullable=False),
    Column("at", Instant, nullable=False),
    one_of("kind", ("sale", "refund")),
    one_of("rate_source", RateSource),
    CheckConstraint("amount >= 0 AND usd_cents >= 0", name="not_negative"),
    Index("ix_sales_at", "at"),
    Index("ix_sales_product", "product", "at"),
    append_only=True,
)

revenue_daily = table(
    "revenue_daily",
    Column("day", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("orders", Whole, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("usd_cents", Whole, nullable=False),
    Column("refunds", Whole, nullable=False),
    Column("refunded", Whole, nullable=False),
    Column("refunded_usd_cents", Whole, nullable=False),
    Column("by_api", Whole, nullable=False),
    Column("by_cached", Whole, nullable=False),
    Column("by_expired", Whole, nullable=False),
    Column("by_fallback", Whole, nullable=False),
)

# One row: where the merchant's days begin.
revenue_zone = table(
    "revenue_zone",
    Column("id", Integer, primary_key=True),
    Column("zone", Text, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
)

referrers = table(
    "referrers",
    Column("id", Text, primary_key=True),
    # By which the address is found, and is nobody else's; the address itself until it is sealed.
    Column("email_lookup", Text, nullable=False),
    Column("email_sealed", LargeBinary),
    Column("code", Text, nullable=False, unique=True),
    Column("buyer_discount_percent", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("buyer_discount_percent BETWEEN 0 AND 100", name="discount_is_percent"),
    UniqueConstraint("email_lookup", name="uq_referrers_email"),
)

commissions = table(
    "commissions",
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("referrer_id", Text, ForeignKey("referrers.id"), nullable=False),
    Column("order_amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("order_usd_cents", Whole, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("usd_cents", Whole, nullable=False),
    Column("rate", Text, nullable=False),
    Column("rate_source", Text, nullable=False),
    Column("rate_as_of", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("approved_at", Instant),
    one_of("rate_source", RateSource),
    one_of("status", CommissionStatus),
    CheckConstraint("percent BETWEEN 0 AND 100", name="percent_of_the_order"),
    CheckConstraint("amount >= 0 AND amount <= order_amount", name="not_more_than_the_order"),
    # M8: an order pays one commission.
    UniqueConstraint("order_id"),
    Index("ix_commissions_created", "created_at", "id"),
    Index("ix_commissions_status", "status", "created_at", "id"),
    Index("ix_commissions_referrer", "referrer_id", "created_at", "id"),
)

commission_lines = table(
    "commission_lines",
    Column("commission_id", Text, ForeignKey("commissions.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("referrer_id", Text, ForeignKey("referrers.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("order_usd_cents", Whole, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("usd_cents", Whole, nullable=False),
    Column("at", Instant, nullable=False),
    one_of("kind", LineKind),
    CheckConstraint("(kind = 'earned') = (amount > 0 OR line = 0)", name="only_the_first_adds"),
    Index("ix_commission_lines_referrer", "referrer_id", "currency"),
    append_only=True,
)
