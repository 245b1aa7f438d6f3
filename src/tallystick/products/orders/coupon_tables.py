"""Coupons: their terms, their counters, and every single use of them."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text

from tallystick.products.orders.coupon import CouponType, SyncOutcome, UseState
from tallystick.store.columns import Flag, Instant, Whole
from tallystick.store.schema.base import one_of, table

coupons = table(
    "coupons",
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("percent", Whole),
    Column("max_redemptions", Whole),
    Column("per_customer", Whole),
    Column("reserved", Whole, nullable=False),
    Column("redeemed", Whole, nullable=False),
    Column("elsewhere", Whole, nullable=False),
    Column("expires_at", Instant),
    Column("active", Flag, nullable=False),
    Column("polar_discount_id", Text, unique=True),
    Column("polar_outcome", Text),
    Column("polar_told_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    one_of("type", CouponType),
    one_of("polar_outcome", SyncOutcome),
    CheckConstraint("(type = 'percent') = (percent IS NOT NULL)", name="percent_has_its_share"),
    CheckConstraint("percent BETWEEN 1 AND 100", name="percent_in_range"),
    CheckConstraint("max_redemptions > 0 AND per_customer > 0", name="limits_positive"),
    CheckConstraint("reserved >= 0 AND redeemed >= 0 AND elsewhere >= 0", name="counts_up"),
    CheckConstraint(
        "max_redemptions IS NULL OR reserved + redeemed <= max_redemptions", name="within_its_limit"
    ),
)

coupon_amounts = table(
    "coupon_amounts",
    Column("coupon_id", Text, ForeignKey("coupons.id"), primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("amount", Whole, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
)

coupon_customers = table(
    "coupon_customers",
    Column("coupon_id", Text, ForeignKey("coupons.id"), primary_key=True),
    # Stands for the mailbox of whoever uses it, by a keyed hash.
    Column("customer", Text, primary_key=True),
    Column("used", Whole, nullable=False),
    # Uses of before two addresses were known to be one customer's: they do not pass the cap.
    Column("granted", Whole, nullable=False, server_default="0"),
    CheckConstraint("used >= 0", name="used_not_negative"),
)

coupon_uses = table(
    "coupon_uses",
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    Column("coupon_id", Text, ForeignKey("coupons.id"), nullable=False),
    Column("customer", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    one_of("state", UseState),
    Index("ix_coupon_uses_customer", "coupon_id", "customer"),
)
