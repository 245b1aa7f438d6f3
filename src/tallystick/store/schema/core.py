"""Payments, their evidence, the books and the work: the tables that everything stands on."""

from typing import Final

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

from tallystick.domain.decision import Action
from tallystick.domain.evidence import Claim, Source
from tallystick.domain.payment import AmountState, AttemptState, LatePolicy, Phase, Review
from tallystick.store.columns import Document, Flag, Instant, Whole
from tallystick.store.schema.base import index_where, linked_in_order, one_of, table

# A planner uses a partial index where a query says the same words, not a parameter. The `|| ''`
# keeps SQLite from reading all open payments by the index of phases.
OFFERED: Final = "phase || '' IN ('draft', 'open')"
ODD: Final = "amount_state IN ('over', 'partial')"
UNKNOWN: Final = "state IN ('submitting', 'unknown')"

payments = table(
    "payments",
    Column("id", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("amount_state", Text, nullable=False),
    Column("late", Flag, nullable=False),
    Column("review", Text),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("received", Whole, nullable=False),
    Column("refunded", Whole, nullable=False),
    # Promised back, and not gone yet.
    Column("refund_reserved", Whole, nullable=False, server_default=text("0")),
    Column("late_policy", Text, nullable=False),
    Column("retriable", Flag, nullable=False),
    Column("tolerance", Whole, nullable=False),
    Column("gateway", Text),
    Column("reference", Text),
    Column("owner_id", Text),
    Column("description", Text, nullable=False),
    Column("metadata", Document, nullable=False),
    Column("return_url", Text),
    Column("cancel_url", Text),
    Column("test_mode", Flag, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("opened_at", Instant),
    Column("expires_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("paid_at", Instant),
    Column("as_of", Instant),
    Column("source", Text),
    Column("next_check_at", Instant),
    Column("version", Integer, nullable=False),
    Column("rank", Integer, nullable=False, server_default=text("3")),
    one_of("phase", Phase),
    one_of("amount_state", AmountState),
    one_of("review", Review),
    one_of("late_policy", LatePolicy),
    # What the discounts of an order leave nothing of is paid as it is opened.
    CheckConstraint("amount > 0 OR amount = 0 AND purpose = 'order'", name="only_orders_are_free"),
    CheckConstraint("received >= 0", name="received_not_negative"),
    CheckConstraint("refunded >= 0 AND refunded <= received", name="refunded_within_received"),
    CheckConstraint(
        "refund_reserved >= 0 AND refunded + refund_reserved <= received",
        name="reserved_within_received",
    ),
    CheckConstraint("phase <> 'paid' OR paid_at IS NOT NULL", name="paid_has_its_time"),
    CheckConstraint(
        "phase NOT IN ('draft', 'open', 'processing') OR next_check_at IS NOT NULL",
        name="unfinished_has_its_timer",
    ),
    UniqueConstraint("reference"),
)
Index("ix_payments_due", payments.c.next_check_at, sqlite_where=text("next_check_at IS NOT NULL"),
      postgresql_where=text("next_check_at IS NOT NULL"))  # fmt: skip
Index("ix_payments_created", payments.c.created_at, payments.c.id)
Index("ix_payments_amount", payments.c.amount, payments.c.currency, payments.c.created_at)
# Lists are read newest first, so what they filter by stands before the time.
Index("ix_payments_phase", payments.c.phase, payments.c.created_at, payments.c.id)
Index("ix_payments_purpose", payments.c.purpose, payments.c.phase, payments.c.created_at,
      payments.c.id)  # fmt: skip
Index("ix_payments_gateway", payments.c.gateway, payments.c.created_at, payments.c.id)
index_where("ix_payments_owner", "owner_id IS NOT NULL",
            payments.c.owner_id, payments.c.created_at, payments.c.id)  # fmt: skip
index_where("ix_payments_review", "review IS NOT NULL", payments.c.created_at, payments.c.id)
index_where("ix_payments_odd", ODD, payments.c.amount_state, payments.c.created_at, payments.c.id)
index_where("ix_payments_overdue", OFFERED, payments.c.expires_at)
# A gateway's line: who is asked about next, and whose deadline is here.
index_where("ix_payments_line", "next_check_at IS NOT NULL",
            payments.c.gateway, payments.c.rank, payments.c.next_check_at)  # fmt: skip
index_where("ix_payments_deadline", "phase IN ('draft', 'open')",
            payments.c.gateway, payments.c.expires_at)  # fmt: skip

budgets = table(
    "budgets",
    Column("gateway", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("spent_until", Instant),
    Column("asked", Whole, nullable=False),
)

# Which processes hold expiry, because their clock is in doubt.
clock_doubts = table(
    "clock_doubts",
    Column("holder", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

payment_links = table(
    "payment_links",
    Column("id", Text, primary_key=True),
    Column("short_code", Text, nullable=False, unique=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, unique=True),
    Column("gateways", Document, nullable=False),
    Column("created_at", Instant, nullable=False),
)

attempts = table(
    "attempts",
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, index=True),
    Column("gateway", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("our_ref", Text, nullable=False),
    Column("memo", Text, nullable=False, unique=True),
    Column("provider_id", Text),
    Column("state", Text, nullable=False),
    Column("checkout", Document, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("listen_until", Instant, nullable=False),
    Column("as_of", Instant),
    one_of("state", AttemptState),
    UniqueConstraint("gateway", "account", "our_ref"),
    UniqueConstraint("gateway", "account", "provider_id"),
    Index("ix_attempts_listening", "gateway", "account", "listen_until"),
    Index("ix_attempts_gateway", "gateway", "created_at", "id"),
)
index_where("ix_attempts_unknown", UNKNOWN, attempts.c.payment_id)

evidence = table(
    "evidence",
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("attempt_id", Text, ForeignKey("attempts.id")),
    Column("key", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("trust", Integer, nullable=False),
    Column("claim", Text, nullable=False),
    Column("credits", Document, nullable=False),
    Column("counts", Flag, nullable=False),
    Column("conflict", Flag, nullable=False),
    Column("note", Text, nullable=False),
    Column("observed_at", Instant, nullable=False),
    # SHA-256 of the bytes that it was read from; they are in `raw_bytes` for a time.
    Column("digest", Text),
    one_of("source", Source),
    *linked_in_order(),
    one_of("claim", Claim),
    CheckConstraint("counts = 0 OR trust > 0", name="a_hint_never_counts"),
    UniqueConstraint("payment_id", "key"),
    append_only=True,
)

receipts = table(
    "receipts",
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, index=True),
    Column("attempt_id", Text, ForeignKey("attempts.id")),
    Column("gateway", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("evidence_key", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    *linked_in_order(),
    CheckConstraint("amount > 0", name="amount_positive"),
    # One transaction of a gateway credits at most one payment, once.
    UniqueConstraint("gateway", "account", "transaction_id"),
    Index("ix_receipts_created", "created_at"),
    Index("ix_receipts_at", "gateway", "account", "at"),
    append_only=True,
)

transfers = table(
    "transfers",
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # What a wallet or gift card spends belongs to no payment of ours.
    Column("payment_id", Text, ForeignKey("payments.id"), index=True),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("kind", "subject"),
    append_only=True,
)

postings = table(
    "postings",
    Column("transfer_id", Text, ForeignKey("transfers.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("currency", Text, nullable=False),
    CheckConstraint("amount <> 0", name="amount_not_zero"),
    # With the amount, so that a balance is summed from the index alone.
    Index("ix_postings_account", "account", "currency", "amount"),
    append_only=True,
)

balances = table(
    "balances",
    Column("account", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("amount", Whole, nullable=False),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
)

outbox = table(
    "outbox",
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payment_id", Text, ForeignKey("payments.id")),
    Column("data", Document, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_outbox_at", "at"),
    append_only=True,
)

events = table(
    "events",
    Column("seq", Whole, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("phase_before", Text, nullable=False),
    Column("phase_after", Text, nullable=False),
    Column("signal", Text),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("payment_id", "version", "type"),
    append_only=True,
)

fulfilments = table(
    "fulfilments",
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    one_of("state", ("running", "done", "stuck")),
    UniqueConstraint("payment_id", "purpose"),
)

inbox = table(
    "inbox",
    Column("id", Text, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("refs", Document, nullable=False),
    Column("claim", Text, nullable=False),
    Column("credits", Document, nullable=False),
    Column("memo", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("tries", Integer, nullable=False),
    Column("payment_id", Text),
    Column("handled_at", Instant),
    Column("error", Text),
    Column("digest", Text),
    # Why a person may have to look: nobody's, or not to be read.
    Column("trouble", Text),
    UniqueConstraint("gateway", "account", "event_id"),
    CheckConstraint("handled_at IS NULL OR due_at IS NULL", name="handled_is_not_due"),
    Index("ix_inbox_gateway", "gateway", "received_at"),
    one_of("trouble", ("orphan", "unreadable")),
)
Index("ix_inbox_due", inbox.c.due_at, sqlite_where=text("due_at IS NOT NULL"),
      postgresql_where=text("due_at IS NOT NULL"))  # fmt: skip
_TROUBLED = text("trouble IS NOT NULL")
Index("ix_inbox_trouble", inbox.c.trouble, inbox.c.id, sqlite_where=_TROUBLED,
      postgresql_where=_TROUBLED)  # fmt: skip
Index("ix_inbox_payment", inbox.c.payment_id, sqlite_where=text("payment_id IS NOT NULL"),
      postgresql_where=text("payment_id IS NOT NULL"))  # fmt: skip

decisions = table(
    "decisions",
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("payment_id", Text, ForeignKey("payments.id")),
    Column("at", Instant, nullable=False),
    one_of("action", ("assigned", "refunded", "parked", "resolved", *Action, "forgotten")),
    CheckConstraint("reason <> ''", name="reason_given"),
    *linked_in_order(),
    append_only=True,
)

jobs = table(
    "jobs",
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False, unique=True),
    Column("payload", Document, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Instant),
    Column("tries", Integer, nullable=False),
    Column("holder", Text),
    Column("held_until", Instant),
    Column("error", Text),
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant),
    one_of("state", ("ready", "done", "dead")),
)
Index("ix_jobs_due", jobs.c.due_at, sqlite_where=text("due_at IS NOT NULL"),
      postgresql_where=text("due_at IS NOT NULL"))  # fmt: skip
index_where("ix_jobs_undone", "state <> 'done'", jobs.c.state, jobs.c.due_at)
Index("ix_jobs_created", jobs.c.created_at, jobs.c.id)
Index("ix_jobs_state", jobs.c.state, jobs.c.created_at, jobs.c.id)
index_where("ix_jobs_dead", "state = 'dead'", jobs.c.created_at, jobs.c.id)

schedules = table(
    "schedules",
    Column("name", Text, primary_key=True),
    Column("next_run_at", Instant, nullable=False),
    Column("last_run_at", Instant),
    Column("holder", Text),
    Column("held_until", Instant),
)

job_runs = table(
    "job_runs",
    Column("id", Text, primary_key=True),
    Column("job_name", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column("duration_us", Whole, nullable=False),
    Column("success", Flag, nullable=False),
    Column("result", Document, nullable=False),
    Column("error", Text),
    Index("ix_job_runs_recent", "job_name", "started_at"),
)

api_keys = table(
    "api_keys",
    Column("id", Text, primary_key=True),
    Column("lookup", Text, nullable=False, unique=True),
    Column("secret_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    one_of("role", ("admin", "operator", "reader")),
)

client_tokens = table(
    "client_tokens",
    Column("token_hash", Text, primary_key=True),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
)

idempotency = table(
    "idempotency",
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer),
    Column("answer", LargeBinary),
    Column("payment_id", Text),
    Column("held_until", Instant),
    Column("created_at", Instant, nullable=False, index=True),
)
