"""A person can take back what an order gave for nothing, and it is written down."""

from tallystick.store.migrations.words import allow

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ACTIONS = (
    "assigned", "refunded", "parked", "resolved", "accepted", "marked_paid", "closed", "reviewed",
    "released", "resent", "revoked", "forgotten",
)  # fmt: skip


def upgrade() -> None:
    """Apply this step."""
    allow("decisions", "action", ACTIONS)
