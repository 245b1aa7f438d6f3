"""Gift cards are listed, the newest first, and who had a letter sent again is written down."""

from alembic import op

from tallystick.store.migrations.words import allow

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ACTIONS = (
    "assigned", "refunded", "parked", "resolved", "accepted", "marked_paid", "closed", "reviewed",
    "released", "resent", "forgotten",
)  # fmt: skip


def upgrade() -> None:
    """Apply this step."""
    allow("decisions", "action", ACTIONS)
    op.create_index("ix_gift_cards_created", "gift_cards", ["created_at", "id"])
    op.create_index("ix_gift_cards_state", "gift_cards", ["state", "created_at", "id"])
