"""Finds the addresses that a migration left as they were, and writes them sealed."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Connection, Select, Table, Update, bindparam, select, update


@cache
def _plain(table: Table) -> Select[tuple[str, str]]:
    return (
        select(table.c.id, table.c.email_lookup)
        .where(table.c.email_sealed.is_(None))
        .order_by(table.c.id)
        .limit(bindparam("limit"))
    )


@cache
def _sealing(table: Table) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("of_id"), table.c.email_sealed.is_(None))
        .values(email_sealed=bindparam("sealed"), email_lookup=bindparam("lookup"))
    )


def plain(tx: Connection, table: Table, limit: int) -> list[tuple[str, str]]:
    """The next rows of this table that are not sealed yet: id and address.

    The address itself stands in `email_lookup` until it is sealed.
    """
    return [(row.id, row.email_lookup) for row in tx.execute(_plain(table), {"limit": limit})]


def seal(tx: Connection, table: Table, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """Put these in the place of the plain ones: id, what it is found by, and the sealed address."""
    values = [{"of_id": name, "lookup": found, "sealed": shut} for name, found, shut in rows]
    tx.execute(_sealing(table), values)
