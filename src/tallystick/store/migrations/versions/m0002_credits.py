"""Credits: every transfer of money once, with its owner or in suspense, and how far we have read."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

from tallystick.store import columns, triggers

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WAITING = sa.text("payment_id IS NULL AND decided_at IS NULL")
_DECIDED = sa.text("decided_at IS NOT NULL")
_MEANT = sa.text("meant_for IS NOT NULL AND payment_id IS NULL")
_DUE = sa.text("due_at IS NOT NULL")
_OWNED = sa.text("payment_id IS NOT NULL")
_FACTS = ("gateway", "account", "transaction_id", "amount", "currency", "at", "heard_at")
_OF_RECEIPTS = """
INSERT INTO credits (id, gateway, account, transaction_id, amount, currency, at, heard_at, counted,
  unowned, line, memo, refs, is_twin, tries, payment_id)
SELECT 'crd' || SUBSTR(id, 4), gateway, account, transaction_id, amount, currency, at, created_at,
  1, 0, '', '', '[]', 0, 0, payment_id FROM receipts
"""
_UNMATCHED = sa.text("""
SELECT i.id, i.credits, i.refs, i.memo, i.received_at, MAX(d.at) AS decided_at,
  MAX(CASE WHEN d.action = 'refunded' THEN d.at END) AS returned_at
FROM inbox i LEFT JOIN decisions d ON d.subject = i.id
WHERE i.credits <> '[]' AND i.handled_at IS NULL AND i.tries > 0
GROUP BY i.id, i.credits, i.refs, i.memo, i.received_at
""")


def upgrade() -> None:
    """Apply this step. What was received keeps its owner; what waited for one waits on."""
    _make_credits()
    _make_readings()
    op.execute(_OF_RECEIPTS)
    _take_over_unmatched()
    triggers.freeze("credits", _FACTS)
    op.execute(
        "INSERT INTO readings (gateway, account, since, mark, read_until, due_at, silent) "
        "SELECT gateway, account, read_until, '', read_until, read_until, 0 FROM statements"
    )
    op.drop_table("statements")
    op.create_index("ix_payments_amount", "payments", ["amount", "currency", "created_at"])
    op.create_index("ix_attempts_listening", "attempts", ["gateway", "account", "listen_until"])


def _make_credits() -> None:
    op.create_table(
        "credits",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("heard_at", columns.Instant(), nullable=False),
        sa.Column("counted", columns.Flag(), nullable=False),
        sa.Column("unowned", columns.Flag(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("refs", columns.Document(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=True),
        sa.Column("is_twin", columns.Flag(), nullable=False),
        sa.Column("meant_for", sa.Text(), nullable=True),
        sa.Column("due_at", columns.Instant(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("decided_at", columns.Instant(), nullable=True),
        sa.Column("returned_at", columns.Instant(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credits_amount_positive")),
        sa.CheckConstraint(
            "payment_id IS NULL OR due_at IS NULL", name=op.f("ck_credits_owned_is_not_due")
        ),
        sa.CheckConstraint(
            "payment_id IS NULL OR returned_at IS NULL", name=op.f("ck_credits_owned_or_returned")
        ),
        sa.CheckConstraint(
            "due_at IS NULL OR meant_for IS NOT NULL", name=op.f("ck_credits_due_for_somebody")
        ),
        sa.ForeignKeyConstraint(["meant_for"], ["payments.id"], name=op.f("fk_credits_meant_for")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_credits_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credits")),
        sa.UniqueConstraint(
            "gateway", "account", "transaction_id",
            name=op.f("uq_credits_gateway_account_transaction_id"),
        ),
        info={"append_only": False},
        sqlite_strict=True,
    )  # fmt: skip
    indexes = (
        ("ix_credits_waiting", ["heard_at", "id"], _WAITING),
        ("ix_credits_decided", ["heard_at", "id"], _DECIDED),
        ("ix_credits_meant", ["meant_for"], _MEANT),
        ("ix_credits_due", ["due_at"], _DUE),
        ("ix_credits_owned", ["payment_id"], _OWNED),
    )
    for name, named, where in indexes:
        op.create_index(name, "credits", named, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_credits_at", "credits", ["gateway", "account", "at"])


def _make_readings() -> None:
    op.create_table(
        "readings",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("since", columns.Instant(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("read_until", columns.Instant(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=False),
        sa.Column("silent", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("held_until", columns.Instant(), nullable=True),
        sa.CheckConstraint(
            "(holder IS NULL) = (held_until IS NULL)", name=op.f("ck_readings_held_or_free")
        ),
        sa.PrimaryKeyConstraint("gateway", "account", name=op.f("pk_readings")),
        info={"append_only": False},
        sqlite_strict=True,
    )


def _take_over_unmatched() -> None:
    """Transfers that notices told of and nobody owned keep their ids, and their decisions."""
    types = {name: columns.Instant() for name in ("received_at", "decided_at", "returned_at")}
    found = op.get_bind().execute(_UNMATCHED.columns(**types)).all()
    kept = op.get_bind().execute(sa.text("SELECT gateway, account, transaction_id FROM credits"))
    known = {tuple(row) for row in kept}
    table = sa.table(
        "credits",
        *(sa.column(name) for name in ("id", "gateway", "account", "transaction_id", "currency",
                                       "line", "memo", "refs", "notice_id")),
        *(sa.column(name, columns.Whole) for name in ("amount", "counted", "unowned", "is_twin", "tries")),
        *(sa.column(name, columns.Instant())
          for name in ("at", "heard_at", "decided_at", "returned_at")),
    )  # fmt: skip
    for notice in found:
        credit = json.loads(notice.credits)[0]
        name = (credit["gateway"], credit["account"], credit["transactionId"])
        if name in known:
            continue
        known.add(name)
        op.get_bind().execute(
            sa.insert(table),
            {
                "id": notice.id, "gateway": name[0], "account": name[1], "transaction_id": name[2],
                "amount": credit["amount"], "currency": credit["currency"],
                "at": datetime.fromisoformat(credit["at"]), "heard_at": notice.received_at,
                "counted": 0, "unowned": 0, "line": "", "memo": notice.memo, "refs": notice.refs,
                "is_twin": 0, "tries": 0, "notice_id": notice.id, "decided_at": notice.decided_at,
                "returned_at": notice.returned_at,
            },
        )  # fmt: skip
