"""What the audit has proven so far, so that it need not prove it every day."""

from sqlalchemy import Column, Text

from tallystick.store.columns import Instant
from tallystick.store.schema.base import table

# Rows up to `proven` were in order when they were looked at. `round` is how far the walk has come
# that looks at everything again: a row may be changed by hand after it was proven.
audit_marks = table(
    "audit_marks",
    Column("walk", Text, primary_key=True),
    Column("proven", Text, nullable=False),
    Column("round", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
