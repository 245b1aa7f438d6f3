"""A task can be canceled."""

from tallystick.store.migrations.words import allow

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    allow("tasks", "state", ("IDLE", "IN_PROGRESS", "COMPLETED", "CANCELED"))
