"""The decisions of a person."""

import sqlalchemy as sa
from alembic import op

from tallystick.store.migrations.words import allow

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CLAIMS = (
    "opened", "pending", "processing", "succeeded", "failed", "canceled", "expired", "deadline",
    "resolved", "superseded", "given_back", "unfinished", "accepted", "closed_expired",
    "closed_canceled",
)  # fmt: skip
REVIEWS = (
    "contradiction", "wrong_currency", "late_after_cancel", "late", "second_payer", "over",
    "underpaid", "unfinished",
)  # fmt: skip
ACTIONS = (
    "assigned", "refunded", "parked", "resolved", "accepted", "marked_paid", "closed", "reviewed",
    "released", "forgotten",
)  # fmt: skip


def upgrade() -> None:
    """Apply this step."""
    allow("evidence", "claim", CLAIMS)
    allow("payments", "review", REVIEWS)
    allow("payments", "late_policy", ("auto_fulfil", "review", "auto_refund"))
    allow("decisions", "action", ACTIONS)
    op.create_index(
        "ix_jobs_dead",
        "jobs",
        ["created_at", "id"],
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
