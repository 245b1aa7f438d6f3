"""What a check of the books is: an invariant, in a sentence, and the rows that break it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import (
    Connection,
    Integer,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    bindparam,
    text,
)

from tallystick.domain.ids import floor_id, is_id
from tallystick.store.columns import Whole
from tallystick.store.schema import metadata

MANY: Final = 500
"""Rows in a slice, where nobody says otherwise."""

# On PostgreSQL a transaction may commit after another that began later, so the youngest rows are
# looked at again next time.
_UNSETTLED: Final = timedelta(hours=1)
_UNSETTLED_NUMBERS: Final = 1_000


class Walk(Protocol):
    """A part of a check that looks at the rows of a table one by one, and so goes in slices."""

    @property
    def name(self) -> str:
        """Which rows in which order: the mark of the part is kept by it."""
        ...

    def border(self, tx: Connection, after: str, many: int) -> tuple[str, bool] | None:
        """The key that ends the next slice of so many rows, and whether more may follow it.

        None after the last row.
        """
        ...

    def broken(self, tx: Connection, after: str, until: str) -> Iterable[str]:
        """A line for each row against the invariant, after one key and up to another."""
        ...

    def touched(self, tx: Connection, payment_ids: Sequence[str]) -> Iterable[str]:
        """The same for the rows of these payments; nothing where rows belong to none."""
        ...

    def settled(self, until: str, now: datetime) -> str:
        """The mark to keep once everything up to a key was in order."""
        ...


Part = Walk | Callable[[Connection], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant of the books (docs/money.md), in parts.

    A part that is no walk looks at little enough to be run whole, in one transaction.
    """

    invariant: str
    sentence: str
    parts: tuple[Part, ...]

    def __init__(self, invariant: str, sentence: str, *parts: Part) -> None:
        object.__setattr__(self, "invariant", invariant)
        object.__setattr__(self, "sentence", sentence)
        object.__setattr__(self, "parts", parts)

    def broken(self, tx: Connection, many: int = MANY) -> Iterator[str]:
        """A line for each row against it, all in this transaction."""
        for part in self.parts:
            yield from part(tx) if callable(part) else _all(part, tx, many)


def _all(walk: Walk, tx: Connection, many: int) -> Iterator[str]:
    after, more = "", True
    while more and (found := walk.border(tx, after, many)) is not None:
        yield from walk.broken(tx, after, found[0])
        after, more = found


def queries(*statements: str) -> Callable[[Connection], Iterator[str]]:
    """A part by statements that select a `subject`, and what is `wrong` with it; run whole."""
    prepared = [text(statement) for statement in statements]
    return lambda tx: told(tx, prepared)


def told(
    tx: Connection, statements: Iterable[TextClause], values: dict[str, Any] | None = None
) -> Iterator[str]:
    """A line for each row that the statements find."""
    for statement in statements:
        for row in tx.execute(statement, values or {}):
            yield f"{row.subject} {row.wrong}"


class Rows:
    """The keys of a table in order, and how a slice of its rows is named in a statement."""

    def __init__(self, table: str | Table, key: str = "id") -> None:
        self.table = metadata.tables[table] if isinstance(table, str) else table
        self.key = key
        table = self.table.name
        self.name = f"{table}.{key}"
        self._whole = isinstance(self.table.c[key].type, Integer)
        kind = Whole if self._whole else Text()
        self._after = bindparam("after", type_=kind)
        self._until = bindparam("until", type_=kind)
        self._last = text(f"SELECT MAX({key}) FROM {table}")  # noqa: S608 - our own names
        self._border = text(
            f"SELECT MAX(k) AS border, COUNT(k) AS rows FROM (SELECT {key} AS k FROM {table} "  # noqa: S608 - our own names
            f"WHERE {key} > :after ORDER BY {key} LIMIT :many) AS slice"
        ).bindparams(self._after)

    def border(self, tx: Connection, after: str, many: int) -> tuple[str, bool] | None:
        """The key that ends the next slice; rows of one key stay together."""
        values = {"after": self.parsed(after), "many": many}
        found = tx.execute(self._border, values).one()
        return None if found.border is None else (str(found.border), found.rows == many)

    def last(self, tx: Connection) -> str:
        """The key of the last row; nothing where there is none."""
        found = tx.execute(self._last).scalar()
        return "" if found is None else str(found)

    def parsed(self, key: str) -> str | int:
        """A key as the column has it; nothing is before every row."""
        return int(key or -1) if self._whole else key

    def settled(self, until: str, now: datetime) -> str:
        """Not beyond what was written an hour ago."""
        if self._whole:
            return str(max(0, int(until) - _UNSETTLED_NUMBERS))
        prefix = until.partition("_")[0]
        if not is_id(prefix, until):
            return until
        return min(until, floor_id(prefix, now - _UNSETTLED))

    def within(self, statement: str) -> TextClause:
        """The statement over the rows of a slice, where it says `FROM` this table first."""
        made = self._narrowed(statement, f"{self.key} > :after AND {self.key} <= :until")
        return text(made).bindparams(self._after, self._until)

    def of_payments(self, statement: str) -> TextClause | None:
        """The statement over the rows of some payments; None where no index finds them."""
        column = "id" if self.table.name == "payments" else "payment_id"
        if column not in _found_by(self.table):
            return None
        made = self._narrowed(statement, f"{column} IN :payment_ids")
        return text(made).bindparams(bindparam("payment_ids", expanding=True))

    def _narrowed(self, statement: str, condition: str) -> str:
        table = self.table.name
        columns = ", ".join(column.name for column in self.table.c)
        rows = f"FROM (SELECT {columns} FROM {table} WHERE {condition})"  # noqa: S608 - our own names
        unnamed = rf"\bFROM {table}(?=\s*(?:$|\)|WHERE|GROUP|ORDER))"
        made, found = re.subn(unnamed, f"{rows} AS {table}", statement, count=1)
        if not found:
            made, found = re.subn(rf"\bFROM {table}\b", rows, statement, count=1)
        if not found:
            raise AssertionError(f"A walk along {table} does not begin with it: {statement}")
        return made


def _found_by(table: Table) -> set[str]:
    """The columns that an index of the table begins with."""
    unique = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    keys = [one.columns.keys() for one in (*unique, table.primary_key)]
    keys += [one.columns.keys() for one in table.indexes]
    return {names[0] for names in keys if names}


class Each(Rows):
    """A walk by statements about each row of a table, or all rows of one key, by themselves."""

    def __init__(self, table: str | Table, *statements: str, key: str = "id") -> None:
        super().__init__(table, key)
        self._within = [self.within(one) for one in statements]
        found = [self.of_payments(one) for one in statements]
        self._of_payments = [one for one in found if one is not None]

    def broken(self, tx: Connection, after: str, until: str) -> Iterator[str]:
        """A line for each row against the invariant, after one key and up to another."""
        values = {"after": self.parsed(after), "until": self.parsed(until)}
        return told(tx, self._within, values)

    def touched(self, tx: Connection, payment_ids: Sequence[str]) -> Iterator[str]:
        """The same for the rows of these payments."""
        return told(tx, self._of_payments, {"payment_ids": list(payment_ids)})
