"""Links the rows of the proof into a chain once they are committed, and looks whether they fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    tuple_,
    type_coerce,
)

from tallystick.domain.proof_chain import BEGINNING, Head, digest, leaves, link, rows_of
from tallystick.store.columns import AnyRow, Document, Flag, Whole
from tallystick.store.schema import metadata
from tallystick.store.schema.proof import COVERED, proof_links

ROWS: Final = 100
"""Rows in a link, at most."""

# A column that is added to one of these tables is no part of the digests of before.
_SAID: Final[dict[str, tuple[str, ...]]] = {
    "evidence": (
        "id", "payment_id", "attempt_id", "key", "source", "trust", "claim", "credits", "counts",
        "conflict", "note", "observed_at", "digest",
    ),
    "receipts": (
        "id", "payment_id", "attempt_id", "gateway", "account", "transaction_id", "amount",
        "currency", "at", "evidence_key", "created_at",
    ),
    "decisions": ("id", "subject", "action", "reason", "actor", "payment_id", "at"),
}  # fmt: skip
# Any number will do, as long as nobody else uses it.
_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(82560)")
# The oldest transaction that is open, or the next one. Those of other databases in the cluster,
# which only their locks tell, never wrote here and may stay open for hours.
_HORIZON: Final = text("""
SELECT COALESCE(MIN(CAST(CAST(x AS text) AS bigint)),
  CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint))
FROM pg_snapshot_xip(pg_current_snapshot()) AS x WHERE NOT EXISTS (
  SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
  AND a.datname <> current_database()
  AND CAST(CAST(l.transactionid AS text) AS bigint) = CAST(CAST(x AS text) AS bigint) % 4294967296)
""")
_NEWEST = select(proof_links.c.n, proof_links.c.hash).where(
    proof_links.c.n == select(func.max(proof_links.c.n)).scalar_subquery()
)
_HASH = select(proof_links.c.hash).where(proof_links.c.n == bindparam("n"))
_UP_TO = (
    select(proof_links.c.up_to, proof_links.c.up_to_id)
    .where(proof_links.c.of == bindparam("of"), proof_links.c.counted_by == bindparam("counted_by"))
    .order_by(proof_links.c.n.desc())
    .limit(1)
)
_ADD = insert(proof_links)
_LINKS = (
    select(proof_links.c.n, proof_links.c.of, proof_links.c.leaves, proof_links.c.hash)
    .where(proof_links.c.n > bindparam("after"), proof_links.c.n <= bindparam("until"))
    .order_by(proof_links.c.n)
)


def _as_kept(column: Column[Any]) -> Any:
    """A document as its text: what is digested is what stands there."""
    if isinstance(column.type, Document):
        return type_coerce(column, Text()).label(column.name)
    return type_coerce(column, Integer()) if isinstance(column.type, Flag) else column


def _table(name: str) -> Table:
    return metadata.tables[name]


def _said(name: str) -> list[Any]:
    return [_as_kept(_table(name).c[column]) for column in _SAID[name]]


def _on_sqlite(name: str) -> Select[Any]:
    """Rowids count what was committed: there is one writer, and no row is ever deleted."""
    rowid = literal_column(f"{name}.rowid", Integer())
    return (
        select(rowid.label("place"), *_said(name))
        .where(rowid > bindparam("up_to"))
        .order_by(rowid)
        .limit(bindparam("limit"))
    )


def _on_postgresql(name: str) -> Select[Any]:
    """Transactions below the oldest open one are over: no row of theirs can come later."""
    place, key = _table(name).c.written_in, _table(name).c.id
    return (
        select(place.label("place"), *_said(name))
        .where(
            tuple_(place, key)
            > tuple_(bindparam("up_to", type_=Whole), bindparam("up_to_id", type_=Text())),
            place < bindparam("horizon"),
        )
        .order_by(place, key)
        .limit(bindparam("limit"))
    )


_NEXT = {
    "sqlite": {name: _on_sqlite(name) for name in COVERED},
    "postgresql": {name: _on_postgresql(name) for name in COVERED},
}
_ANY = {name: select(_table(name).c.id).limit(1) for name in COVERED}
_TOP = {name: text(f"SELECT COALESCE(MAX(rowid), 0) FROM {name}") for name in COVERED}  # noqa: S608
_THESE = {
    name: select(*_said(name)).where(
        _table(name).c.id.in_(bindparam("ids", expanding=True))
    )
    for name in COVERED
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the rows of a table are linked, and how far they may be now."""

    up_to: int
    up_to_id: str
    horizon: int


def head(tx: Connection) -> Head:
    """The newest link."""
    row = tx.execute(_NEWEST).first()
    return Head(0, BEGINNING) if row is None else Head(row.n, row.hash)


def has(tx: Connection, one: Head) -> bool:
    """Whether a head that was seen once is still a link of the chain."""
    if one.links == 0:
        return True
    found = tx.execute(_HASH, {"n": one.links}).scalar()
    return found is not None and one.is_of(one.links, found)


def is_empty(tx: Connection) -> bool:
    """Whether nothing was ever proven here, as in a database that was just made."""
    if head(tx).links:
        return False
    return not any(tx.execute(_ANY[name]).first() for name in COVERED)


def waits(tx: Connection) -> bool:
    """Whether a row that is final stands in no link yet."""
    return any(_following(tx, name, place, 1) for name, place in _places(tx).items())


def extend(tx: Connection, now: datetime) -> bool:
    """Add the next link for each table; whether more may follow.

    Nobody who writes the proof waits for this. Only one process does it at a time.
    """
    if tx.dialect.name == "postgresql" and not tx.execute(_LOCK).scalar():
        return False
    more = False
    for name, place in _places(tx).items():
        rows = _following(tx, name, place, ROWS)
        if rows:
            _add(tx, name, rows, now)
        more = more or len(rows) == ROWS
    return more


def misfits(tx: Connection, after: int, until: int) -> Iterator[str]:
    """A line for each link of this stretch that does not fit, and for each row that does not.

    Such a row is gone, or another one than it was.
    """
    before = tx.execute(_HASH, {"n": after}).scalar() if after > 0 else BEGINNING
    expected = max(after, 0) + 1
    for one in tx.execute(_LINKS, {"after": after, "until": until}).all():
        if one.n != expected or before is None:
            yield f"Link {expected if one.n != expected else after} of the proof is gone"
        elif one.hash != link(one.n, before, one.of, one.leaves):
            yield f"Link {one.n} of the proof does not follow from the one before it"
        yield from _changed_rows(tx, one.n, one.of, rows_of(one.leaves))
        expected, before = one.n + 1, one.hash


def _changed_rows(tx: Connection, number: int, of: str, kept: dict[str, str]) -> Iterator[str]:
    rows = tx.execute(_THESE[of], {"ids": list(kept)}).all()
    now = {row.id: digest(_SAID[of], row) for row in rows}
    for name, made in kept.items():
        if name not in now:
            yield f"{name} of {of} is gone; link {number} of the proof has it"
        elif now[name] != made:
            yield f"{name} of {of} is another one than link {number} of the proof has"


def _places(tx: Connection) -> dict[str, _Place]:
    if tx.dialect.name == "postgresql":
        horizon = int(tx.execute(_HORIZON).scalar_one())
        return {name: _place(tx, name, horizon) for name in COVERED}
    return {name: _place(tx, name, int(tx.execute(_TOP[name]).scalar_one())) for name in COVERED}


def _place(tx: Connection, of: str, horizon: int) -> _Place:
    row = tx.execute(_UP_TO, {"of": of, "counted_by": tx.dialect.name}).first()
    # Numbers that begin again: the rows were brought to another cluster, or some are gone. What
    # stands in two links fits both.
    if row is None or row.up_to > horizon:
        return _Place(-1, "", horizon)
    return _Place(row.up_to, row.up_to_id, horizon)


def _following(tx: Connection, of: str, place: _Place, limit: int) -> Sequence[AnyRow]:
    values: dict[str, Any] = {"up_to": place.up_to, "limit": limit}
    if tx.dialect.name == "postgresql":
        values |= {"up_to_id": place.up_to_id, "horizon": place.horizon}
    return tx.execute(_NEXT[tx.dialect.name][of], values).all()


def _add(tx: Connection, of: str, rows: Sequence[AnyRow], now: datetime) -> None:
    last = head(tx)
    kept = leaves({row.id: digest(_SAID[of], row[1:]) for row in rows})
    number = last.links + 1
    tx.execute(_ADD, {
        "n": number, "of": of, "counted_by": tx.dialect.name, "up_to": rows[-1].place,
        "up_to_id": rows[-1].id if tx.dialect.name == "postgresql" else "", "leaves": kept,
        "hash": link(number, last.hash, of, kept), "at": now,
    })  # fmt: skip
