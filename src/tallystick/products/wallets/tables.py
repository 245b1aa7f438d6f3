"""Top-ups of wallets, and what is spent from them."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text, UniqueConstraint

from tallystick.store.columns import Instant, Whole
from tallystick.store.schema.base import table

# Whose wallet it is, how much and how far: that is its payment's to say, once.
topups = table(
    "topups",
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)

wallet_spends = table(
    "wallet_spends",
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    # As the first answer told it, so that a repeat is answered the same.
    Column("balance_after", Whole, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("balance_after >= 0", name="balance_not_negative"),
    UniqueConstraint("owner_id", "reference"),
    Index("ix_wallet_spends_owner", "owner_id", "created_at"),
    append_only=True,
)
