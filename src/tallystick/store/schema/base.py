"""What all tables share: names of constraints, strict types, and rows that are never rewritten."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, MetaData, Table, UniqueConstraint, text

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
    name: str, *parts: Part, append_only: bool = False, frozen: tuple[str, ...] = ()
) -> Table:
    """A table. The rows of an `append_only` one are never updated or deleted: triggers refuse.

    Of a row whose table has `frozen` columns, those never change, and it is never deleted.
    """
    info = {"append_only": append_only, "frozen": frozen}
    return Table(name, metadata, *parts, sqlite_strict=True, info=info)


def append_only() -> tuple[str, ...]:
    """The tables whose rows are never updated or deleted."""
    return tuple(one.name for one in metadata.sorted_tables if one.info["append_only"])


def frozen() -> dict[str, tuple[str, ...]]:
    """The tables whose rows stay, with the columns that never change."""
    return {t.name: t.info["frozen"] for t in metadata.sorted_tables if t.info["frozen"]}


def index_where(name: str, condition: str, *columns: Column[Any]) -> Index:
    """An index of the rows that hold to a condition, which queries must say word for word."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


def one_of(column: str, values: Iterable[StrEnum] | Iterable[str]) -> CheckConstraint:
    """A column that has one of these words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
