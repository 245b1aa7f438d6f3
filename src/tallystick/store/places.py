"""How lists go on: the rows before a place, newest first, in a form that an index can answer."""

from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, literal, tuple_

Place = tuple[datetime, str]
"""Where a list goes on: when its last row was made, and that row's key."""

Span = tuple[datetime | None, datetime | None]
"""After this, and before that; None is no border."""

Rows = TypeVar("Rows", bound=Select[Any])


def window(
    rows: Rows, created_at: ColumnElement[datetime], key: ColumnElement[str], span: Span,
    after: Place | None,
) -> Rows:  # fmt: skip
    """The rows that were made within a span, and stand after a place in the list."""
    if span[0] is not None:
        rows = rows.where(created_at > span[0])
    if span[1] is not None:
        rows = rows.where(created_at < span[1])
    return rows if after is None else rows.where(before(created_at, key, after))


def before(
    created_at: ColumnElement[datetime], key: ColumnElement[str], place: Place
) -> ColumnElement[bool]:
    """Whether a row comes after this place in a list that begins with the newest.

    One comparison of pairs: with an OR, both databases walk through all that was shown before.
    """
    at, last = place
    return tuple_(created_at, key) < tuple_(literal(at, created_at.type), literal(last))
