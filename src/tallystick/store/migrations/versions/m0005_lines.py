"""Questions in order, and a budget for each gateway account that all processes share."""

import sqlalchemy as sa
from alembic import op

from tallystick.store import columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column(
        "payments", sa.Column("rank", sa.Integer(), nullable=False, server_default=sa.text("3"))
    )
    op.execute("UPDATE payments SET rank = 4 WHERE phase IN ('expired', 'canceled')")
    # What is paid is not asked about any more; refunds have timers of their own.
    op.execute(
        "UPDATE payments SET next_check_at = NULL WHERE phase = 'paid' AND refund_reserved = 0"
    )
    op.create_index(
        "ix_payments_line",
        "payments",
        ["gateway", "rank", "next_check_at"],
        sqlite_where=sa.text("next_check_at IS NOT NULL"),
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
    )
    op.create_index(
        "ix_payments_deadline",
        "payments",
        ["gateway", "expires_at"],
        sqlite_where=sa.text("phase IN ('draft', 'open')"),
        postgresql_where=sa.text("phase IN ('draft', 'open')"),
    )
    op.create_table(
        "budgets",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("spent_until", columns.Instant(), nullable=True),
        sa.Column("asked", columns.Whole, nullable=False),
        sa.PrimaryKeyConstraint("gateway", "account", name=op.f("pk_budgets")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "clock_doubts",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_clock_doubts")),
        info={"append_only": False},
        sqlite_strict=True,
    )
