"""The chain that holds the proof together."""

from sqlalchemy import CheckConstraint, Column, Index, Text

from tallystick.store.columns import Instant, Whole
from tallystick.store.schema.base import one_of, table

COVERED = ("evidence", "receipts", "decisions")

proof_links = table(
    "proof_links",
    Column("n", Whole, primary_key=True, autoincrement=False),
    Column("of", Text, nullable=False),
    # How far the rows of that table are linked, in the order that this database counts them by.
    Column("counted_by", Text, nullable=False),
    Column("up_to", Whole, nullable=False),
    Column("up_to_id", Text, nullable=False),
    # A line for each row: its id, and the digest of what it says.
    Column("leaves", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("at", Instant, nullable=False),
    one_of("of", COVERED),
    one_of("counted_by", ("sqlite", "postgresql")),
    CheckConstraint("n > 0", name="n_positive"),
    append_only=True,
)
Index("ix_proof_links_of", proof_links.c.of, proof_links.c.counted_by, proof_links.c.n)
