"""E-mail addresses are sealed and found by a keyed hash; events have none in them."""

import json
from typing import Final

import sqlalchemy as sa
from alembic import op

from tallystick.store import triggers
from tallystick.store.columns import document

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SLICE: Final = 500
_TOLD: Final = sa.text(
    "SELECT id, data FROM outbox WHERE id > :after AND type LIKE 'order.%' ORDER BY id LIMIT :many"
)
_BLANK: Final = sa.text("UPDATE outbox SET data = :data WHERE id = :id")
_INDEXES: Final = (
    ("ix_orders_unsealed", "orders", "id", "email_sealed IS NULL"),
    ("ix_gift_cards_email", "gift_cards", "email_lookup", "email_lookup IS NOT NULL"),
    ("ix_gift_cards_unfound", "gift_cards", "id", "email_lookup IS NULL"),
)


def upgrade() -> None:
    """Apply this step.

    The key is not known here: addresses stay where they are, under the name of what will take
    their place, and `tidy`, which is made due at once, seals them. What was told of an order gets
    its address from the order from now on, when somebody reads it.
    """
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        op.execute("PRAGMA secure_delete = ON")
    for table in ("orders", "referrers"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN email TO email_lookup")
        op.add_column(table, sa.Column("email_sealed", sa.LargeBinary()))
    op.add_column("gift_cards", sa.Column("email_lookup", sa.Text()))
    for name, table, column, where in _INDEXES:
        condition = sa.text(where)
        op.create_index(name, table, [column], sqlite_where=condition, postgresql_where=condition)
    triggers.lift_append_only("outbox")
    _take_addresses_out()
    triggers.make_append_only("outbox")
    long_ago = "0" if sqlite else "'epoch'"
    op.execute(f"UPDATE schedules SET next_run_at = {long_ago} WHERE name = 'tidy'")  # noqa: S608


def _take_addresses_out() -> None:
    after = ""
    while True:
        rows = op.get_bind().execute(_TOLD, {"after": after, "many": _SLICE}).all()
        if not rows:
            return
        told = [(row.id, json.loads(row.data)) for row in rows]
        blank = [
            {"id": name, "data": document({**data, "email": None})}
            for name, data in told
            if data.get("email") is not None
        ]
        if blank:
            op.get_bind().execute(_BLANK, blank)
        after = rows[-1].id
