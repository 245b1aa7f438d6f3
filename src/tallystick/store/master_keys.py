"""Which master secrets something is sealed with, and the keys that outlive them."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.store.schema.keys import kept_keys, master_keys

_IN_USE = select(master_keys.c.id).order_by(master_keys.c.since, master_keys.c.id)
_USE = {
    "sqlite": sqlite_insert(master_keys).on_conflict_do_nothing(),
    "postgresql": pg_insert(master_keys).on_conflict_do_nothing(),
}
_RETIRE = delete(master_keys).where(master_keys.c.id != bindparam("but"))
_KEPT = select(kept_keys.c.purpose, kept_keys.c.sealed)
_KEEP = {
    "sqlite": sqlite_insert(kept_keys).on_conflict_do_nothing(),
    "postgresql": pg_insert(kept_keys).on_conflict_do_nothing(),
}


def in_use(tx: Connection) -> list[str]:
    """The ids of the secrets that something may be sealed with, the oldest first."""
    return list(tx.execute(_IN_USE).scalars())


def use(tx: Connection, key_id: str, now: datetime) -> None:
    """From now on something may be sealed with it."""
    tx.execute(_USE[tx.dialect.name], {"id": key_id, "since": now})


def retire_all_but(tx: Connection, key_id: str) -> None:
    """Nothing is sealed with any other."""
    tx.execute(_RETIRE, {"but": key_id})


def kept(tx: Connection) -> dict[str, bytes]:
    """The keys that are kept, sealed, by their purpose."""
    return {row.purpose: row.sealed for row in tx.execute(_KEPT)}


def keep(tx: Connection, purpose: str, sealed: bytes, now: datetime) -> None:
    """Keep a key, unless one is kept for this purpose already."""
    values = {"purpose": purpose, "sealed": sealed, "created_at": now}
    tx.execute(_KEEP[tx.dialect.name], values)
