"""What all tables share: names of constraints, strict types, and rows that are never rewritten."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, MetaData, Table, UniqueConstraint, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tallystick.store.columns import Whole

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Part = Column[object] | CheckConstraint | UniqueConstraint | Index


def table(
    name: str,
    *parts: Part,
    append_only: bool = False,
    frozen: tuple[str, ...] = (),
    within: MetaData = metadata,
) -> Table:
    """A table. The rows of an `append_only` one are never updated or deleted: triggers refuse.

    Of a row whose table has `frozen` columns, those never change, and it is never deleted. One that
    our migrations do not make stands `within` metadata of its own.
    """
    info = {"append_only": append_only, "frozen": frozen}
    return Table(name, within, *parts, sqlite_strict=True, info=info)


def append_only() -> tuple[str, ...]:
    """The tables whose rows are never updated or deleted."""
    return tuple(one.name for one in metadata.sorted_tables if one.info["append_only"])


def frozen() -> dict[str, tuple[str, ...]]:
    """The tables whose rows stay, with the columns that never change."""
    return {t.name: t.info["frozen"] for t in metadata.sorted_tables if t.info["frozen"]}


def index_where(name: str, condition: str, *columns: Column[Any]) -> Index:
    """An index of the rows that hold to a condition, which queries must say word for word."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


class _Writer(FunctionElement[int]):
    """The number of the transaction that writes a row; SQLite's rowids tell as much."""

    inherit_cache = True


@compiles(_Writer, "sqlite")
def _on_sqlite(*_: Any, **__: Any) -> str:
    return "0"


@compiles(_Writer, "postgresql")
def _on_postgresql(*_: Any, **__: Any) -> str:
    return WRITER


WRITER = "((pg_current_xact_id())::text)::bigint"


def linked_in_order() -> tuple[Column[Any], Index]:
    """What the chain of the proof is made in the order of: a column and its index.

    Numbers of transactions are given before the commit, and those below the oldest open one are
    final. SQLite has a single writer, so that its index stays empty.
    """
    column: Column[Any] = Column("written_in", Whole, nullable=False, server_default=_Writer())
    return column, Index(None, "written_in", "id", sqlite_where=text("written_in > 0"))


def one_of(column: str, values: Iterable[StrEnum] | Iterable[str]) -> CheckConstraint:
    """A column that has one of these words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
