"""Finds the addresses that a migration left as they were, and writes them sealed."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, Table, Update, bindparam, select, update

from tallystick.products.gift_cards.tables import gift_cards
from tallystick.products.orders.tables import orders
from tallystick.products.revenue.tables import referrers

_TABLES: Final = {"orders.email": orders, "referrers.email": referrers}
"""Where the address itself stands in `email_lookup` until it is sealed, by its place."""

_PLAIN = {
    place: select(table.c.id, table.c.email_lookup)
    .where(table.c.email_sealed.is_(None))
    .order_by(table.c.id)
    .limit(bindparam("limit"))
    for place, table in _TABLES.items()
}


def _sealing(table: Table) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("of_id"), table.c.email_sealed.is_(None))
        .values(email_sealed=bindparam("sealed"), email_lookup=bindparam("lookup"))
    )


_SEAL = {place: _sealing(table) for place, table in _TABLES.items()}
_UNFOUND = (
    select(gift_cards.c.id, gift_cards.c.email_sealed)
    .where(gift_cards.c.email_lookup.is_(None), gift_cards.c.id > bindparam("after"))
    .order_by(gift_cards.c.id)
    .limit(bindparam("limit"))
)
_FIND_BY = (
    update(gift_cards)
    .where(gift_cards.c.id == bindparam("of_id"), gift_cards.c.email_lookup.is_(None))
    .values(email_lookup=bindparam("lookup"))
)


def plain(tx: Connection, place: str, limit: int) -> list[tuple[str, str]]:
    """The next rows of this place that are not sealed yet: id and address."""
    return [(row.id, row.email_lookup) for row in tx.execute(_PLAIN[place], {"limit": limit})]


def seal(tx: Connection, place: str, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """Put these in the place of the plain ones: id, what it is found by, and the sealed address."""
    values = [{"of_id": name, "lookup": found, "sealed": shut} for name, found, shut in rows]
    tx.execute(_SEAL[place], values)


def unfound(tx: Connection, after: str, limit: int) -> list[tuple[str, bytes]]:
    """The next gift cards whose address is sealed and cannot be found: id and sealed address."""
    rows = tx.execute(_UNFOUND, {"after": after, "limit": limit})
    return [(row.id, row.email_sealed) for row in rows]


def find_by(tx: Connection, rows: Sequence[tuple[str, str]]) -> None:
    """Let these gift cards be found: id, and what the address is found by."""
    tx.execute(_FIND_BY, [{"of_id": name, "lookup": lookup} for name, lookup in rows])
