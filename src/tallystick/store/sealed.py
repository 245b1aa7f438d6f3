"""Every column that is sealed: what it is sealed with and where, so that it can be sealed anew."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Text,
    bindparam,
    func,
    literal,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.sql import Select
from sqlalchemy.sql.elements import BindParameter

from tallystick.domain.sealing import HEADER, Masters
from tallystick.store.columns import AnyRow
from tallystick.store.schema.core import idempotency
from tallystick.store.schema.keys import kept_keys
from tallystick.store.schema.merchant_events import webhook_endpoints
from tallystick.store.schema.raw_bytes import raw_bytes
from tallystick.store.schema.refunds import refunds

Beside = Callable[[Masters, str], Mapping[str, Any]]
Also = Callable[[Connection, Masters, str, str], None]


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed column. `place` is what its values are bound to, before the row's own names.

    Or before another column's value, `bound`. `where` leaves out what is not sealed yet. `beside`
    tells what else is written in the row for a value, such as a keyed hash that it is found by;
    `also` writes into other tables what hangs on the value of a row, by the row's id.
    """

    column: Column[Any]
    purpose: str
    place: str
    bound: Column[Any] | None = None
    where: ColumnElement[bool] = field(default_factory=true)
    beside: Beside | None = None
    also: Also | None = None

    @property
    def name(self) -> str:
        """As an operator finds it."""
        return f"{self.column.table.name}.{self.column.name}"

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """What names a row."""
        return tuple(self.column.table.primary_key.columns)

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        """What is read of a row: its names, what the value is bound to, and the value."""
        bound = () if self.bound is None else (self.bound,)
        return (*self.key, *bound, self.column)

    def names(self, row: AnyRow) -> tuple[str, ...]:
        """What names this row."""
        return tuple(row[: len(self.key)])

    def place_of(self, row: AnyRow) -> str:
        """Where the value of this row is bound to."""
        return "/".join([self.place, *(row[len(self.key) : -1] or self.names(row))])


SEALED: Final[tuple[Sealed, ...]] = (
    Sealed(kept_keys.c.sealed, "kept", "kept_keys.sealed"),
    Sealed(webhook_endpoints.c.secret, "webhook_endpoints", "webhook_endpoints.secret"),
    Sealed(webhook_endpoints.c.previous_secret, "webhook_endpoints", "webhook_endpoints.secret"),
    Sealed(refunds.c.payee, "payee", "refunds.payee"),
    Sealed(idempotency.c.answer, "idempotency", "idempotency.answer"),
    Sealed(
        raw_bytes.c.content,
        "raw bytes",
        "raw_bytes.content",
        raw_bytes.c.digest,
        raw_bytes.c.sealed == 1,
    ),
)
"""The core's own; products add theirs. A test names the column that is missing."""


@cache
def _others(of: Sealed) -> Select[Any]:
    """Rows that are not sealed with a header, in the order of their names, after one of them."""
    names: list[BindParameter[str]] = [
        bindparam(f"after_{number}", type_=Text()) for number in range(len(of.key))
    ]
    begins = func.substr(of.column, 1, literal(HEADER))
    return (
        select(*of.columns)
        .where(
            of.where,
            of.column.is_not(None),
            begins != bindparam("header", type_=LargeBinary),
            tuple_(*of.key) > tuple_(*names),
        )
        .order_by(*of.key)
        .limit(bindparam("limit"))
    )


def other(
    tx: Connection, of: Sealed, header: bytes, after: Sequence[str], limit: int
) -> list[AnyRow]:
    """The next rows whose value does not begin with this header: their names, then the value."""
    names = {f"after_{number}": name for number, name in enumerate(after or [""] * len(of.key))}
    values = {"header": header, "limit": limit, **names}
    return list(tx.execute(_others(of), values))


@cache
def _any(of: Sealed) -> Select[Any]:
    return select(*of.columns).where(of.where, of.column.is_not(None)).limit(1)


def samples(tx: Connection, columns: Sequence[Sealed]) -> Iterator[tuple[Sealed, AnyRow]]:
    """One row of each sealed column, where there is any."""
    for of in columns:
        row = tx.execute(_any(of)).first()
        if row is not None:
            yield of, row


def replace(
    tx: Connection, of: Sealed, row: AnyRow, sealed: bytes, beside: Mapping[str, Any]
) -> bool:
    """Write a value sealed anew; False where somebody wrote another one meanwhile."""
    done = tx.execute(
        update(of.column.table)
        .where(*(one == name for one, name in zip(of.key, of.names(row), strict=True)))
        .where(of.column == row[-1])
        .values({of.column.name: sealed, **beside})
    )
    return done.rowcount == 1
