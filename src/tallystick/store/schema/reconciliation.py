"""Runs of the reconciliation, and the differences that they found."""

from sqlalchemy import Column, ForeignKey, Index, Text

from tallystick.domain.reconciliation import Match
from tallystick.store.columns import Instant, Whole
from tallystick.store.schema.base import one_of, table

reconciliations = table(
    "reconciliations",
    Column("id", Text, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("matched", Whole, nullable=False),
    Column("healed", Whole, nullable=False),
    Column("differing", Whole, nullable=False),
    Column("at", Instant, nullable=False),
    append_only=True,
)
Index("ix_reconciliations_at", reconciliations.c.at, reconciliations.c.id)

differences = table(
    "differences",
    Column("id", Text, primary_key=True),
    Column("reconciliation_id", Text, ForeignKey("reconciliations.id"), nullable=False),
    # The same difference is found every day and written once.
    Column("key", Text, nullable=False, unique=True),
    Column("gateway", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("match", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("payment_id", Text, ForeignKey("payments.id")),
    Column("currency", Text, nullable=False),
    Column("theirs", Whole),
    Column("ours", Whole),
    Column("booked", Whole),
    Column("theirs_refunded", Whole),
    Column("ours_refunded", Whole),
    Column("created_at", Instant, nullable=False),
    one_of("match", Match),
    append_only=True,
)
Index("ix_differences_created", differences.c.created_at, differences.c.id)
