"""Evidence, receipts and decisions are linked into a chain, whose head tells when some are gone."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from tallystick.store import columns, triggers

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COVERED: Final = ("evidence", "receipts", "decisions")
_WRITER: Final = "((pg_current_xact_id())::text)::bigint"


def upgrade() -> None:
    """Apply this step.

    Rows of before count as written in transaction 0, so that no table is made anew; the worker
    links them, some at a time.
    """
    op.create_table(
        "proof_links",
        sa.Column("n", columns.Whole, autoincrement=False, nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("counted_by", sa.Text(), nullable=False),
        sa.Column("up_to", columns.Whole, nullable=False),
        sa.Column("up_to_id", sa.Text(), nullable=False),
        sa.Column("leaves", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.CheckConstraint("n > 0", name=op.f("ck_proof_links_n_positive")),
        sa.CheckConstraint(
            "of IN ('evidence', 'receipts', 'decisions')", name=op.f("ck_proof_links_of_known")
        ),
        sa.CheckConstraint(
            "counted_by IN ('sqlite', 'postgresql')", name=op.f("ck_proof_links_counted_by_known")
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_proof_links")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_proof_links_of"), "proof_links", ["of", "counted_by", "n"], unique=False
    )
    triggers.make_append_only("proof_links")
    for table in _COVERED:
        op.add_column(
            table,
            sa.Column("written_in", columns.Whole, server_default=sa.text("0"), nullable=False),
        )
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"ALTER TABLE {table} ALTER COLUMN written_in SET DEFAULT {_WRITER}")
        op.create_index(
            op.f(f"ix_{table}_written_in_id"), table, ["written_in", "id"],
            sqlite_where=sa.text("written_in > 0"),
        )  # fmt: skip
