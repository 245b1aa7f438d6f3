"""What merchants' systems are told: the numbered feed, their endpoints, and every delivery."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)

from tallystick.store.columns import Document, Flag, Instant, Whole
from tallystick.store.schema.base import index_where, one_of, table

# Written beside each row of the outbox, and gone with its number: `n` is the order of writing.
unnumbered = table(
    "unnumbered",
    Column("n", Whole, primary_key=True, autoincrement=True),
    Column("event_id", Text, ForeignKey("outbox.id"), nullable=False, unique=True),
    Column("at", Instant, nullable=False),
)

# The numbers are 1, 2, 3 … without a gap, given in the order of commits, never taken back.
feed = table(
    "feed",
    Column("seq", Whole, primary_key=True, autoincrement=False),
    Column("event_id", Text, ForeignKey("outbox.id"), nullable=False, unique=True),
    CheckConstraint("seq > 0", name="seq_positive"),
    append_only=True,
)

webhook_endpoints = table(
    "webhook_endpoints",
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("events", Document, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("previous_secret", LargeBinary),
    Column("previous_until", Instant),
    Column("state", Text, nullable=False),
    Column("disabled_at", Instant),
    Column("disabled_reason", Text),
    # What came later in the feed than this, and is wished for, has a delivery.
    Column("since_seq", Whole, nullable=False),
    Column("failing_since", Instant),
    Column("delivered", Whole, nullable=False),
    Column("failed", Whole, nullable=False),
    Column("dead", Whole, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    one_of("state", ("enabled", "disabled")),
    CheckConstraint(
        "(state = 'disabled') = (disabled_at IS NOT NULL)", name="disabled_has_its_time"
    ),
    CheckConstraint(
        "(previous_secret IS NULL) = (previous_until IS NULL)", name="previous_secret_ends"
    ),
)

deliveries = table(
    "deliveries",
    Column("endpoint_id", Text, ForeignKey("webhook_endpoints.id"), primary_key=True),
    Column("event_id", Text, ForeignKey("outbox.id"), primary_key=True),
    Column("seq", Whole, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payment_id", Text),
    Column("state", Text, nullable=False),
    # Only the first of what waits for one subject is due; the others are waked by it.
    Column("due_at", Instant),
    Column("held", Flag, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("last_status", Integer),
    Column("error", Text),
    Column("excerpt", Text),
    Column("created_at", Instant, nullable=False),
    Column("delivered_at", Instant),
    one_of("state", ("waiting", "delivered", "dead")),
    CheckConstraint("due_at IS NULL OR state = 'waiting'", name="only_waiting_is_due"),
    CheckConstraint("state <> 'delivered' OR delivered_at IS NOT NULL", name="delivered_at_a_time"),
)
_WAITING = text("state = 'waiting'")
Index("ix_deliveries_due", deliveries.c.due_at, sqlite_where=text("due_at IS NOT NULL"),
      postgresql_where=text("due_at IS NOT NULL"))  # fmt: skip
Index("ix_deliveries_subject", deliveries.c.endpoint_id, deliveries.c.subject, deliveries.c.seq,
      sqlite_where=_WAITING, postgresql_where=_WAITING)  # fmt: skip
Index("ix_deliveries_payment", deliveries.c.endpoint_id, deliveries.c.payment_id, deliveries.c.seq,
      sqlite_where=_WAITING, postgresql_where=_WAITING)  # fmt: skip
Index("ix_deliveries_log", deliveries.c.endpoint_id, deliveries.c.created_at, deliveries.c.event_id)
Index("ix_deliveries_event", deliveries.c.event_id)
Index("ix_deliveries_state", deliveries.c.endpoint_id, deliveries.c.state, deliveries.c.created_at,
      deliveries.c.event_id)  # fmt: skip
index_where("ix_deliveries_turn", "due_at IS NOT NULL",
            deliveries.c.endpoint_id, deliveries.c.due_at, deliveries.c.seq)  # fmt: skip
Index("ix_deliveries_waiting", deliveries.c.seq, sqlite_where=_WAITING, postgresql_where=_WAITING)

delivery_attempts = table(
    "delivery_attempts",
    Column("id", Text, primary_key=True),
    Column("endpoint_id", Text, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("event_id", Text, ForeignKey("outbox.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("excerpt", Text),
    CheckConstraint("status IS NOT NULL OR error IS NOT NULL", name="says_what_came"),
    Index("ix_delivery_attempts_log", "endpoint_id", "event_id"),
    Index("ix_delivery_attempts_at", "at"),
    Index("ix_delivery_attempts_event", "event_id"),
)
