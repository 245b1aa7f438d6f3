"""Raw bytes leave the proof for a table of their own; notices say what is wrong with them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from tallystick.domain.raw_bytes import digest
from tallystick.store import columns, triggers

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SLICE: Final = 500
_MOVE: Final = sa.text(
    "INSERT INTO raw_bytes (subject, digest, content, sealed, at) "
    "VALUES (:subject, :digest, :content, 0, :at)"
)
# What a notice said is in the inbox; its evidence only had a copy.
_EVIDENCE: Final = sa.text(
    "SELECT id AS key, raw, observed_at AS at, source = 'webhook' AS copied FROM evidence "
    "WHERE id > :after AND length(raw) > 0 ORDER BY id LIMIT :many"
)
_MOVES: Final = sa.text(
    "SELECT refund_id || '/' || line AS key, raw, at FROM refund_moves "
    "WHERE refund_id || '/' || line > :after AND length(raw) > 0 "
    "ORDER BY refund_id || '/' || line LIMIT :many"
)
_NOTICES: Final = sa.text(
    "SELECT id AS key, headers, query, body, received_at AS at FROM inbox "
    "WHERE id > :after AND (length(body) > 0 OR query <> '') ORDER BY id LIMIT :many"
)
_NOTED: Final = {
    "evidence": sa.text("UPDATE evidence SET digest = :digest WHERE id = :subject"),
    "refund_moves": sa.text(
        "UPDATE refund_moves SET digest = :digest WHERE refund_id || '/' || line = :subject"
    ),
    "inbox": sa.text("UPDATE inbox SET digest = :digest WHERE id = :subject"),
}
_NOBODYS: Final = "No payment of ours has this reference."


def upgrade() -> None:
    """Apply this step.

    The key that seals is not known here: what moves is plain, and `tidy`, which is made due at
    once, seals it. Digests are written into rows that are append-only otherwise.
    """
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        # What is dropped below shall not be left in the file's free pages.
        op.execute("PRAGMA secure_delete = ON")
    _make_table()
    for table in ("evidence", "refund_moves"):
        triggers.lift_append_only(table)
        op.execute(f"ALTER TABLE {table} ADD COLUMN digest TEXT")
    _change_inbox()
    _set_apart("evidence", _EVIDENCE)
    _set_apart("refund_moves", _MOVES)
    _set_apart("inbox", _NOTICES)
    for table, names in (
        ("evidence", ("raw",)), ("refund_moves", ("raw",)), ("inbox", ("headers", "query", "body")),
    ):  # fmt: skip
        for name in names:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
    for table in ("evidence", "refund_moves"):
        triggers.make_append_only(table)
    long_ago = "0" if sqlite else "'epoch'"
    op.execute(f"UPDATE schedules SET next_run_at = {long_ago} WHERE name = 'tidy'")  # noqa: S608


def _make_table() -> None:
    op.create_table(
        "raw_bytes",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", columns.Flag(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_raw_bytes")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index("ix_raw_bytes_at", "raw_bytes", ["at"], unique=False)
    plain = sa.text("sealed = 0")
    op.create_index(
        "ix_raw_bytes_plain", "raw_bytes", ["subject"], unique=False, sqlite_where=plain,
        postgresql_where=plain,
    )  # fmt: skip


def _change_inbox() -> None:
    op.execute("ALTER TABLE inbox ADD COLUMN digest TEXT")
    op.execute(
        "ALTER TABLE inbox ADD COLUMN trouble TEXT "
        "CONSTRAINT ck_inbox_trouble_known CHECK (trouble IN ('orphan', 'unreadable'))"
    )
    for name, column, where in (
        ("ix_inbox_trouble", ["trouble", "id"], sa.text("trouble IS NOT NULL")),
        ("ix_inbox_payment", ["payment_id"], sa.text("payment_id IS NOT NULL")),
    ):
        op.create_index(
            name, "inbox", column, unique=False, sqlite_where=where, postgresql_where=where
        )
    # What is about nothing of ours was tried again for 30 days.
    op.execute(
        "UPDATE inbox SET handled_at = received_at, due_at = NULL, error = NULL "
        "WHERE handled_at IS NULL AND refs = '[]' AND credits = '[]'"
    )
    nobodys = sa.text("UPDATE inbox SET trouble = 'orphan' WHERE handled_at IS NULL AND error = :e")
    op.get_bind().execute(nobodys, {"e": _NOBODYS})


def _set_apart(table: str, rows: sa.TextClause) -> None:
    for some in _slices(rows):
        moved = [
            {"subject": row["key"], "digest": digest(_named(row)), "content": _content(row),
             "at": row["at"]}
            for row in some
        ]  # fmt: skip
        op.get_bind().execute(_NOTED[table], moved)
        apart = [one for one, row in zip(moved, some, strict=True) if not row.get("copied")]
        if apart:
            op.get_bind().execute(_MOVE, apart)


def _slices(rows: sa.TextClause) -> Iterator[Sequence[dict[str, Any]]]:
    after = ""
    while True:
        values = {"after": after, "many": _SLICE}
        some = [dict(row) for row in op.get_bind().execute(rows, values).mappings()]
        if not some:
            return
        yield some
        after = some[-1]["key"]


def _named(row: dict[str, Any]) -> bytes:
    """What the digest is of: the bytes, or the query of a notice that came without any."""
    return bytes(row["raw"]) if "raw" in row else bytes(row["body"]) or row["query"].encode()


def _content(row: dict[str, Any]) -> bytes:
    """The bytes; of a notice, with a line of its headers and query before them."""
    if "raw" in row:
        return bytes(row["raw"])
    head = {"headers": json.loads(row["headers"]), "query": row["query"]}
    return json.dumps(head, ensure_ascii=False).encode() + b"\n" + bytes(row["body"])
