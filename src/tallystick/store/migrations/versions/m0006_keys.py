"""Several master secrets."""

import sqlalchemy as sa
from alembic import op

from tallystick.store import columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "master_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("since", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_master_keys")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "kept_keys",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_kept_keys")),
        info={"append_only": False},
        sqlite_strict=True,
    )
