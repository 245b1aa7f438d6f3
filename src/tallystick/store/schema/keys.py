"""Master secrets that something is sealed with, and keys that outlive the one they came from."""

from sqlalchemy import Column, LargeBinary, Text

from tallystick.store.columns import Instant
from tallystick.store.schema.base import table

master_keys = table(
    "master_keys",
    # Names the secret and tells nothing about it.
    Column("id", Text, primary_key=True),
    Column("since", Instant, nullable=False),
)

kept_keys = table(
    "kept_keys",
    Column("purpose", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)
