"""How lists go on: the rows before a place, newest first, in a form that an index can answer."""

from datetime import datetime

from sqlalchemy import ColumnElement, literal, tuple_

Place = tuple[datetime, str]


def before(
    created_at: ColumnElement[datetime], key: ColumnElement[str], place: Place
) -> ColumnElement[bool]:
    """Whether a row comes after this place in a list that begins with the newest.

    One comparison of pairs: with an OR, both databases walk through all that was shown before.
    """
    at, last = place
    return tuple_(created_at, key) < tuple_(literal(at, created_at.type), literal(last))
