"""Column types that mean the same on both databases: instants, documents and enums."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Row, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def microseconds(value: datetime) -> int:
    """How SQLite keeps a time. Refuses a naive one: nobody knows when that was."""
    if value.tzinfo is None:
        raise ValueError("A stored time is aware, in UTC.")
    return (value - _EPOCH) // _MICROSECOND


def document(value: Any) -> str:
    """How a JSON document is kept: compact, with the characters as they are."""
    return _compact(value)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time. `timestamptz` on PostgreSQL, integer microseconds on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Integers sort and compare like the times they stand for."""
        kind: TypeEngine[Any] = Integer() if dialect.name == "sqlite" else self.impl_instance
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a naive time: nobody knows when that was."""
        if value is None:
            return None
        stored = microseconds(value)
        return stored if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Back to an aware UTC time."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return _EPOCH + timedelta(microseconds=value)
        return value.astimezone(UTC)  # type: ignore[no-any-return]


class Document(TypeDecorator[Any]):
    """A JSON document kept as text. Never queried, never money."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Compact, with the characters as they are."""
        return None if value is None else document(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Back to lists and dicts."""
        return None if value is None else json.loads(value)


class Flag(TypeDecorator[bool]):
    """True or false, as 1 or 0 on both databases."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        """1 or 0."""
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> bool | None:
        """True or false."""
        return None if value is None else bool(value)


Whole = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit whole number."""

AnyRow = Row[*tuple[Any, ...]]
"""A row of any shape, on its way to becoming a value."""
