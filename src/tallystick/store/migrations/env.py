"""Tells Alembic which connection to migrate and what the schema is meant to be."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from tallystick.store.columns import Document, Flag, Instant
from tallystick.store.schema import metadata

_OURS = (Document, Flag, Instant)


def _render(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write our own column types by their names into a new migration."""
    if kind == "type" and isinstance(item, _OURS):
        return f"columns.{type(item).__name__}()"
    if kind == "type" and type(item).__name__ == "BigInteger":
        return "columns.Whole"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_render,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
