"""Raw bytes of notices and answers, apart from the proof: sealed, and gone after their time."""

from sqlalchemy import Column, Index, LargeBinary, Text, text

from tallystick.store.columns import Flag, Instant
from tallystick.store.schema.base import table

# `subject` is the id of the notice, of the evidence, or of a refund with the line of its history.
raw_bytes = table(
    "raw_bytes",
    Column("subject", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    # What a migration moved here without knowing the key is sealed by `tidy`.
    Column("sealed", Flag, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("ix_raw_bytes_at", raw_bytes.c.at)
_PLAIN = text("sealed = 0")
Index("ix_raw_bytes_plain", raw_bytes.c.subject, sqlite_where=_PLAIN, postgresql_where=_PLAIN)
