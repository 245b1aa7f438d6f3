"""Credits, each with its owner or without one, and how far each account was read."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text, UniqueConstraint

from tallystick.store.columns import Document, Flag, Instant, Whole
from tallystick.store.schema.base import index_where, table

credits = table(
    "credits",
    Column("id", Text, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("heard_at", Instant, nullable=False),
    # In the books; what only a notice told of, at a gateway that can be asked, is not.
    Column("counted", Flag, nullable=False),
    # Booked before it had an owner.
    Column("unowned", Flag, nullable=False),
    Column("line", Text, nullable=False),
    Column("memo", Text, nullable=False),
    Column("refs", Document, nullable=False),
    Column("notice_id", Text),
    # Another credit carries the same reference of the bank.
    Column("is_twin", Flag, nullable=False),
    # The one payment that its memo names, until that has it.
    Column("meant_for", Text, ForeignKey("payments.id")),
    Column("due_at", Instant),
    Column("tries", Integer, nullable=False),
    Column("payment_id", Text, ForeignKey("payments.id")),
    Column("decided_at", Instant),
    Column("returned_at", Instant),
    UniqueConstraint("gateway", "account", "transaction_id"),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("payment_id IS NULL OR due_at IS NULL", name="owned_is_not_due"),
    CheckConstraint("payment_id IS NULL OR returned_at IS NULL", name="owned_or_returned"),
    CheckConstraint("due_at IS NULL OR meant_for IS NOT NULL", name="due_for_somebody"),
    frozen=("gateway", "account", "transaction_id", "amount", "currency", "at", "heard_at"),
)
WAITING: Final = "payment_id IS NULL AND decided_at IS NULL"
DECIDED: Final = "decided_at IS NOT NULL"
index_where("ix_credits_waiting", WAITING, credits.c.heard_at, credits.c.id)
index_where("ix_credits_decided", DECIDED, credits.c.heard_at, credits.c.id)
index_where("ix_credits_owned", "payment_id IS NOT NULL", credits.c.payment_id)
_MEANT = "meant_for IS NOT NULL AND payment_id IS NULL"
index_where("ix_credits_meant", _MEANT, credits.c.meant_for)
index_where("ix_credits_due", "due_at IS NOT NULL", credits.c.due_at)
Index("ix_credits_at", credits.c.gateway, credits.c.account, credits.c.at)

readings = table(
    "readings",
    Column("gateway", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("mark", Text, nullable=False),
    # Everything that the account had received by then was read.
    Column("read_until", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("silent", Integer, nullable=False),
    Column("holder", Text),
    Column("held_until", Instant),
    CheckConstraint("(holder IS NULL) = (held_until IS NULL)", name="held_or_free"),
)
