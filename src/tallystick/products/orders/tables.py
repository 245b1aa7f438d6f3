"""What is sold: products with their prices, orders, licences and what buyers are let into."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Text, text

from tallystick.domain.access import GrantState, Wanted
from tallystick.products.orders.rules import OrderReview, OrderStatus
from tallystick.store.columns import Document, Flag, Instant, Whole
from tallystick.store.schema.base import index_where, one_of, table

products = table(
    "products",
    Column("type", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("licensed", Flag, nullable=False),
    Column("access", Text),
    Column("active", Flag, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

product_prices = table(
    "product_prices",
    Column("product_type", Text, ForeignKey("products.type"), primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("amount", Whole, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
)

orders = table(
    "orders",
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, unique=True),
    Column("gateway", Text, nullable=False),
    Column("product_type", Text, ForeignKey("products.type"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("unit_amount", Whole, nullable=False),
    Column("quantity", Whole, nullable=False),
    Column("original_amount", Whole, nullable=False),
    Column("coupon_discount", Whole, nullable=False),
    Column("referral_discount", Whole, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("discount_rate", Whole, nullable=False),
    Column("coupon_id", Text, ForeignKey("coupons.id"), index=True),
    # Whose referrals these are is another feature's table.
    Column("referred_by", Text, index=True),
    Column("referral_code", Text),
    # By which the buyer's address is found; the address itself until it is sealed.
    Column("email_lookup", Text, nullable=False),
    Column("email_sealed", LargeBinary),
    Column("owner_id", Text),
    Column("team_id", Text),
    Column("github_username", Text),
    Column("vat_invoice_requested", Flag, nullable=False),
    Column("tax_id", LargeBinary),
    Column("metadata", Document, nullable=False),
    Column("usd_cents", Whole),
    Column("usd_rate", Text),
    Column("usd_source", Text),
    Column("usd_as_of", Instant),
    Column("status", Text, nullable=False),
    Column("review", Text),
    Column("refunded", Whole, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("completed_at", Instant),
    one_of("status", OrderStatus),
    one_of("review", OrderReview),
    CheckConstraint("unit_amount > 0 AND quantity > 0", name="something_is_bought"),
    CheckConstraint("original_amount = unit_amount * quantity", name="original_is_the_list_price"),
    CheckConstraint("coupon_discount >= 0 AND referral_discount >= 0", name="discounts_take_off"),
    CheckConstraint(
        "amount = original_amount - coupon_discount - referral_discount", name="lines_add_up"
    ),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
    # May pass the amount where more was paid than asked.
    CheckConstraint("refunded >= 0", name="refunded_not_negative"),
    CheckConstraint(
        "(usd_cents IS NULL) = (usd_rate IS NULL) AND (usd_cents IS NULL) = (usd_source IS NULL)",
        name="worth_has_its_rate",
    ),
    CheckConstraint(
        "status <> 'completed' OR completed_at IS NOT NULL", name="completed_has_its_time"
    ),
)
Index("ix_orders_created", orders.c.created_at, orders.c.id)
Index("ix_orders_status", orders.c.status, orders.c.created_at, orders.c.id)
Index("ix_orders_gateway", orders.c.gateway, orders.c.created_at, orders.c.id)
Index("ix_orders_product", orders.c.product_type, orders.c.created_at, orders.c.id)
Index("ix_orders_email", orders.c.email_lookup, orders.c.created_at, orders.c.id)
index_where("ix_orders_unsealed", "email_sealed IS NULL", orders.c.id)
index_where("ix_orders_owner", "owner_id IS NOT NULL",
            orders.c.owner_id, orders.c.created_at, orders.c.id)  # fmt: skip
index_where("ix_orders_team", "team_id IS NOT NULL",
            orders.c.team_id, orders.c.created_at, orders.c.id)  # fmt: skip
index_where("ix_orders_review", "review IS NOT NULL",
            orders.c.review, orders.c.created_at, orders.c.id)  # fmt: skip

licences = table(
    "licences",
    Column("id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False, unique=True),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("seats", Whole, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    CheckConstraint("seats > 0", name="seats_positive"),
)

access_grants = table(
    "access_grants",
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    Column("place", Text, nullable=False),
    Column("username", Text, nullable=False),
    # The same in small letters: GitHub does not mind how a name is written.
    Column("person", Text, nullable=False, server_default=text("''")),
    Column("wanted", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    one_of("wanted", Wanted),
    one_of("state", GrantState),
)
Index("ix_access_grants_person", access_grants.c.place, access_grants.c.person)
