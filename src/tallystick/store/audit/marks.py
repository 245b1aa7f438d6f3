"""How far each walk of the audit has proven the books, and what has happened since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.store.audit.base import Rows
from tallystick.store.schema.audit import audit_marks

_KEPT = ("proven", "round", "updated_at")
_sqlite_put, _pg_put = sqlite_insert(audit_marks), pg_insert(audit_marks)
_PUT = {
    "sqlite": _sqlite_put.on_conflict_do_update(
        index_elements=["walk"], set_={name: _sqlite_put.excluded[name] for name in _KEPT}
    ),
    "postgresql": _pg_put.on_conflict_do_update(
        index_elements=["walk"], set_={name: _pg_put.excluded[name] for name in _KEPT}
    ),
}
_ALL = select(audit_marks.c.walk, audit_marks.c.proven, audit_marks.c.round)


@dataclass(frozen=True, slots=True)
class Mark:
    """Everything up to `proven` was in order; `round` is how far it was looked at again."""

    proven: str = ""
    round: str = ""


def marks(tx: Connection) -> dict[str, Mark]:
    """The marks of all walks that have one."""
    return {row.walk: Mark(row.proven, row.round) for row in tx.execute(_ALL)}


def put(tx: Connection, kept: Mapping[str, Mark], now: datetime) -> None:
    """Keep the marks of some walks."""
    rows = [
        {"walk": walk, "proven": mark.proven, "round": mark.round, "updated_at": now}
        for walk, mark in kept.items()
    ]
    if rows:
        tx.execute(_PUT[tx.dialect.name], rows)


def count(tx: Connection, rows: Rows) -> int:
    """How many rows a walk has, to know what is a seventh of them."""
    query = select(func.count(literal_column(rows.key))).select_from(rows.table)
    return int(tx.execute(query).scalar_one())


class News(Rows):
    """What was written of payments since a mark: evidence, and transfers of the books."""

    def payments(self, tx: Connection, after: str, until: str) -> Sequence[str]:
        """The payments that the rows after one key and up to another are about."""
        column, table = self.table.c[self.key], self.table
        query = (
            select(table.c.payment_id)
            .distinct()
            .where(
                column > bindparam("after", type_=column.type),
                column <= bindparam("until", type_=column.type),
                table.c.payment_id.is_not(None),
            )
        )
        values = {"after": self.parsed(after), "until": self.parsed(until)}
        return sorted(tx.execute(query, values).scalars())


NEWS: Final = (News("evidence"), News("transfers"))
"""Whatever moves a payment leaves a row in one of these, and they are never rewritten."""
