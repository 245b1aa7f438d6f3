"""Refunds, and the history of each."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)

from tallystick.domain.refund import ASKED, RefundSignal, RefundSource, RefundState
from tallystick.store.columns import Flag, Instant, Whole
from tallystick.store.schema.base import one_of, table

_ON_THEIR_WAY = ", ".join(f"'{state}'" for state in sorted(ASKED))

refunds = table(
    "refunds",
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, index=True),
    Column("attempt_id", Text, ForeignKey("attempts.id"), index=True),
    Column("gateway", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("undelivered", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("keep_access", Flag, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("provider_id", Text),
    Column("bank_reference", Text),
    Column("failure", Text),
    Column("payee", LargeBinary),
    Column("tries", Integer, nullable=False),
    Column("sent_at", Instant),
    Column("next_check_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("closed_at", Instant),
    one_of("state", RefundState),
    one_of("source", RefundSource),
    one_of("method", ("api", "manual")),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("undelivered >= 0 AND undelivered <= amount", name="undelivered_is_a_part"),
    CheckConstraint(
        f"state NOT IN ({_ON_THEIR_WAY}) OR next_check_at IS NOT NULL",
        name="on_its_way_has_its_timer",
    ),
    CheckConstraint(
        "method <> 'manual' OR state <> 'succeeded' OR bank_reference IS NOT NULL",
        name="by_hand_has_its_bank_reference",
    ),
    # A refund of a gateway is booked once.
    UniqueConstraint("gateway", "account", "provider_id"),
    # One transfer of the bank closes one refund.
    UniqueConstraint("gateway", "account", "bank_reference"),
)
Index("ix_refunds_created", refunds.c.created_at, refunds.c.id)
Index("ix_refunds_state", refunds.c.state, refunds.c.created_at, refunds.c.id)
Index("ix_refunds_gateway", refunds.c.gateway, refunds.c.created_at, refunds.c.id)
Index("ix_refunds_due", refunds.c.next_check_at, sqlite_where=text("next_check_at IS NOT NULL"),
      postgresql_where=text("next_check_at IS NOT NULL"))  # fmt: skip

refund_moves = table(
    "refund_moves",
    Column("refund_id", Text, ForeignKey("refunds.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("state_before", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("state_after", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("digest", Text),
    one_of("state_before", RefundState),
    one_of("signal", RefundSignal),
    one_of("state_after", RefundState),
    append_only=True,
)
