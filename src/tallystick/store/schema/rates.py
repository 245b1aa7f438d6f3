"""Exchange rates as they were last heard, and what each receipt was worth."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Text

from tallystick.domain.exchange import RateSource
from tallystick.store.columns import Instant, Whole
from tallystick.store.schema.base import one_of, table

# The last answer of the live source: it outlives the process, and is used when nothing better is.
exchange_rates = table(
    "exchange_rates",
    Column("currency", Text, primary_key=True),
    # Exact decimals, as text: neither database has a decimal type that both agree on.
    Column("per_dollar", Text, nullable=False),
    Column("as_of", Instant, nullable=False),
)

# What each receipt is worth; an order keeps its own worth, in its row.
valuations = table(
    "valuations",
    Column("receipt_id", Text, ForeignKey("receipts.id"), primary_key=True),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("usd_cents", Whole, nullable=False),
    Column("rate", Text, nullable=False),
    Column("rate_source", Text, nullable=False),
    Column("rate_as_of", Instant, nullable=False),
    Column("frozen_at", Instant, nullable=False),
    one_of("rate_source", RateSource),
    CheckConstraint("amount > 0 AND usd_cents >= 0", name="worth_not_negative"),
    append_only=True,
)
