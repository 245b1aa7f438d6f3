"""The feed: what merchants are told, numbered without gaps in the order in which it was committed.

Sequences and transaction ids are not in the order of commits, so nobody takes a number while
writing. Whoever reads or delivers first numbers what is committed, one at a time under a lock, and
the numbers are committed before the lock is let go: a reader who saw N never meets a later "N - 1".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    true,
)
from sqlalchemy import delete as delete_from

from tallystick.store.columns import AnyRow
from tallystick.store.schema.core import outbox
from tallystick.store.schema.merchant_events import feed, unnumbered

BATCH: Final = 500
# Any number will do, as long as nobody else uses it: "tally" on a telephone.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(82559)")
_NEXT = (
    select(
        unnumbered.c.n, outbox.c.id, outbox.c.type, outbox.c.subject, outbox.c.payment_id,
        outbox.c.data, outbox.c.at,
    )
    .join(outbox, outbox.c.id == unnumbered.c.event_id)
    .order_by(unnumbered.c.n)
    .limit(BATCH)
)  # fmt: skip
_NEWEST = select(func.coalesce(func.max(feed.c.seq), 0))
_NUMBER = insert(feed)
_NUMBERED = delete_from(unnumbered).where(unnumbered.c.n.in_(bindparam("ns", expanding=True)))
_OLDEST_UNNUMBERED = select(unnumbered.c.at).order_by(unnumbered.c.n).limit(1)
_COLUMNS = (
    feed.c.seq, outbox.c.id, outbox.c.type, outbox.c.subject, outbox.c.payment_id, outbox.c.data,
    outbox.c.at,
)  # fmt: skip
_ALL = select(*_COLUMNS).join(outbox, outbox.c.id == feed.c.event_id)
_FIND = _ALL.where(feed.c.event_id == bindparam("event_id"))
_COUNT_SINCE = select(func.count()).where(outbox.c.at >= bindparam("since"))


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that merchants are told. `seq` is its place in the feed, from 1 on."""

    seq: int
    id: str
    type: str
    subject: str
    payment_id: str | None
    data: dict[str, Any]
    at: datetime


def lock(tx: Connection) -> None:
    """Be the only one who gives numbers until this transaction ends. SQLite has one writer."""
    if tx.dialect.name == "postgresql":
        tx.execute(_LOCK)


def number(tx: Connection) -> list[Event]:
    """Give the next numbers to what is committed and has none; needs `lock`."""
    rows = list(tx.execute(_NEXT))
    if not rows:
        return []
    first = newest(tx) + 1
    events = [_event(row, first + place) for place, row in enumerate(rows)]
    tx.execute(_NUMBER, [{"seq": one.seq, "event_id": one.id} for one in events])
    tx.execute(_NUMBERED, {"ns": [row.n for row in rows]})
    return events


def oldest_unnumbered(tx: Connection) -> datetime | None:
    """When the oldest thing happened that has no number yet."""
    return tx.execute(_OLDEST_UNNUMBERED).scalar()


def newest(tx: Connection) -> int:
    """The highest number that is given; 0 before the first."""
    return int(tx.execute(_NEWEST).scalar_one())


def find(tx: Connection, event_id: str) -> Event | None:
    """One event that has its number, or None."""
    row = tx.execute(_FIND, {"event_id": event_id}).first()
    return None if row is None else _event(row, row.seq)


def count_since(tx: Connection, since: datetime) -> int:
    """How many events happened from then on."""
    return int(tx.execute(_COUNT_SINCE, {"since": since}).scalar_one())


def matching(patterns: Sequence[str]) -> ColumnElement[bool]:
    """Whether the type of a row of the outbox is one of these: `payment.paid`, `payment.*`, `*`."""
    return or_(
        *(
            true() if pattern == "*" else outbox.c.type.like(pattern.removesuffix("*") + "%")
            if pattern.endswith(".*") else outbox.c.type == pattern
            for pattern in patterns
        )
    )  # fmt: skip


def page(
    tx: Connection,
    *,
    after: int,
    limit: int,
    patterns: Sequence[str] = ("*",),
    span: tuple[datetime | None, datetime | None] = (None, None),
) -> list[Event]:
    """What follows `after`, in order, one more than `limit` where there is more.

    `patterns` name types, `span` is when it happened: after the first and before the second.
    """
    query = _ALL.where(feed.c.seq > after, matching(patterns)).order_by(feed.c.seq).limit(limit + 1)
    if span[0] is not None:
        query = query.where(outbox.c.at > span[0])
    if span[1] is not None:
        query = query.where(outbox.c.at < span[1])
    return [_event(row, row.seq) for row in tx.execute(query)]


def _event(row: AnyRow, seq: int) -> Event:
    return Event(seq, row.id, row.type, row.subject, row.payment_id, row.data, row.at)
