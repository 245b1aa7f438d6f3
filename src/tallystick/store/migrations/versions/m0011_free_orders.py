"""An order may cost nothing, and a commission tells when it was approved."""

import sqlalchemy as sa
from alembic import op

from tallystick.store import columns
from tallystick.store.migrations.words import widen

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step.

    What was approved before keeps no time of it: nobody wrote it down.
    """
    free = "amount > 0 OR amount = 0 AND purpose = 'order'"
    widen("payments", "amount_positive", free, name="only_orders_are_free")
    widen("orders", "amount_positive", "amount >= 0", name="amount_not_negative")
    op.add_column("commissions", sa.Column("approved_at", columns.Instant))
