"""Indexes for every question that is asked of a table that grows, and the marks of the audit."""

import sqlalchemy as sa
from alembic import op

from tallystick.store import columns

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_payments_phase", "payments", ("phase", "created_at", "id"), None),
    ("ix_payments_purpose", "payments", ("purpose", "phase", "created_at", "id"), None),
    ("ix_payments_gateway", "payments", ("gateway", "created_at", "id"), None),
    ("ix_payments_owner", "payments", ("owner_id", "created_at", "id"), "owner_id IS NOT NULL"),
    ("ix_payments_review", "payments", ("created_at", "id"), "review IS NOT NULL"),
    (
        "ix_payments_odd",
        "payments",
        ("amount_state", "created_at", "id"),
        "amount_state IN ('over', 'partial')",
    ),
    ("ix_payments_overdue", "payments", ("expires_at",), "phase || '' IN ('draft', 'open')"),
    ("ix_attempts_gateway", "attempts", ("gateway", "created_at", "id"), None),
    ("ix_attempts_unknown", "attempts", ("payment_id",), "state IN ('submitting', 'unknown')"),
    ("ix_receipts_created", "receipts", ("created_at",), None),
    ("ix_receipts_at", "receipts", ("gateway", "account", "at"), None),
    ("ix_postings_account", "postings", ("account", "currency", "amount"), None),
    ("ix_jobs_created", "jobs", ("created_at", "id"), None),
    ("ix_jobs_state", "jobs", ("state", "created_at", "id"), None),
    ("ix_jobs_undone", "jobs", ("state", "due_at"), "state <> 'done'"),
    ("ix_coupon_uses_customer", "coupon_uses", ("coupon_id", "customer"), None),
    ("ix_outbox_at", "outbox", ("at",), None),
    ("ix_inbox_gateway", "inbox", ("gateway", "received_at"), None),
    ("ix_deliveries_state", "deliveries", ("endpoint_id", "state", "created_at", "event_id"), None),
    ("ix_deliveries_turn", "deliveries", ("endpoint_id", "due_at", "seq"), "due_at IS NOT NULL"),
    ("ix_deliveries_waiting", "deliveries", ("seq",), "state = 'waiting'"),
    ("ix_delivery_attempts_event", "delivery_attempts", ("event_id",), None),
    ("ix_refunds_attempt_id", "refunds", ("attempt_id",), None),
    ("ix_refunds_state", "refunds", ("state", "created_at", "id"), None),
    ("ix_refunds_gateway", "refunds", ("gateway", "created_at", "id"), None),
    ("ix_orders_status", "orders", ("status", "created_at", "id"), None),
    ("ix_orders_gateway", "orders", ("gateway", "created_at", "id"), None),
    ("ix_orders_product", "orders", ("product_type", "created_at", "id"), None),
    ("ix_orders_email", "orders", ("email", "created_at", "id"), None),
    ("ix_orders_owner", "orders", ("owner_id", "created_at", "id"), "owner_id IS NOT NULL"),
    ("ix_orders_team", "orders", ("team_id", "created_at", "id"), "team_id IS NOT NULL"),
    ("ix_orders_review", "orders", ("review", "created_at", "id"), "review IS NOT NULL"),
    ("ix_commissions_status", "commissions", ("status", "created_at", "id"), None),
    ("ix_commissions_referrer", "commissions", ("referrer_id", "created_at", "id"), None),
    ("ix_gift_card_holds_open", "gift_card_holds", ("expires_at",), "state = 'held'"),
    ("ix_tasks_state", "tasks", ("state", "created_at", "id"), None),
    ("ix_tasks_reference", "tasks", ("reference", "created_at", "id"), "reference IS NOT NULL"),
)
# Each is the beginning of one above, or has more in it than is asked for.
REPLACED = (
    ("ix_postings_account", "postings"),
    ("ix_coupon_uses_coupon_id", "coupon_uses"),
    ("ix_orders_product_type", "orders"),
    ("ix_orders_owner_id", "orders"),
    ("ix_commissions_referrer_id", "commissions"),
    ("ix_gift_card_holds_expires_at", "gift_card_holds"),
)


def upgrade() -> None:
    """Apply this step."""
    for name, table in REPLACED:
        op.drop_index(op.f(name), table_name=table)
    for name, table, indexed, where in INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(
            op.f(name), table, list(indexed), sqlite_where=condition, postgresql_where=condition
        )
    op.add_column(
        "access_grants",
        sa.Column("person", sa.Text(), server_default=sa.text("''"), nullable=False),
    )
    op.execute("UPDATE access_grants SET person = lower(username)")
    op.create_index(op.f("ix_access_grants_person"), "access_grants", ["place", "person"])
    op.create_table(
        "audit_marks",
        sa.Column("walk", sa.Text(), nullable=False),
        sa.Column("proven", sa.Text(), nullable=False),
        sa.Column("round", sa.Text(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("walk", name=op.f("pk_audit_marks")),
        info={"append_only": False},
        sqlite_strict=True,
    )
