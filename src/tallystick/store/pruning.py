"""Lets go of rows that have served their time, some at a time, so that nobody has to wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    select,
    tuple_,
    update,
)

from tallystick.domain.ids import floor_id
from tallystick.store.columns import Instant
from tallystick.store.schema.core import (
    client_tokens,
    idempotency,
    inbox,
    job_runs,
    jobs,
    payments,
)
from tallystick.store.schema.merchant_events import (
    deliveries,
    delivery_attempts,
    feed,
    webhook_endpoints,
)
from tallystick.store.schema.raw_bytes import raw_bytes

SLICE: Final = 1000
_BEFORE: Final = bindparam("before", type_=Instant())


@dataclass(frozen=True, slots=True)
class Walk:
    """A table that is walked by its key, because no index knows what in it is over."""

    table: Table
    over: ColumnElement[bool]

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """The columns of its primary key."""
        return tuple(self.table.primary_key.columns)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some rows on the way: the key of the last, and the keys of those that are over."""

    last: tuple[Any, ...]
    over: list[tuple[Any, ...]]


AGED: Final = {
    "runs": job_runs.c.started_at,
    "delivery_attempts": delivery_attempts.c.at,
    "idempotency_keys": idempotency.c.created_at,
    "raw_bytes": raw_bytes.c.at,
}
"""What is over by its age alone, with the column that tells it."""

# A callback's row is shown with its task, and the audit counts on it.
_CALLBACK: Final = "task_callback"
_CLOSED: Final = (
    select(payments.c.id)
    .where(payments.c.id == client_tokens.c.payment_id, payments.c.closed_at < _BEFORE)
    .exists()
)
WALKS: Final = {
    "deliveries": Walk(
        deliveries,
        and_(deliveries.c.state != "waiting", deliveries.c.seq <= bindparam("up_to")),
    ),
    "effects": Walk(
        jobs, and_(jobs.c.state == "done", jobs.c.done_at < _BEFORE, jobs.c.kind != _CALLBACK)
    ),
    "client_tokens": Walk(client_tokens, _CLOSED),
    "notices_about_nothing": Walk(
        inbox, and_(inbox.c.handled_at < _BEFORE, inbox.c.payment_id.is_(None))
    ),
}
"""What is over for another reason."""

_NEWEST = select(func.max(feed.c.event_id)).where(feed.c.event_id < bindparam("floor"))
_SEQ = select(feed.c.seq).where(feed.c.event_id == bindparam("event_id"))
_TOLD = (
    update(webhook_endpoints)
    .where(webhook_endpoints.c.since_seq < bindparam("up_to"))
    .values(since_seq=bindparam("up_to"))
)


def drop_aged(tx: Connection, name: str, before: datetime) -> int:
    """Let go of some rows of `AGED` from before then; how many went, SLICE where there are more."""
    column = AGED[name]
    key = tuple(column.table.primary_key.columns)
    some = select(*key).where(column < _BEFORE).limit(SLICE)
    statement = delete(column.table).where(tuple_(*key).in_(some))
    return int(tx.execute(statement, {"before": before}).rowcount)


def stretch(
    tx: Connection, name: str, after: tuple[Any, ...] | None, values: dict[str, Any]
) -> Stretch | None:
    """The next rows of `WALKS` after a key, or None at the end. Only reads."""
    walk = WALKS[name]
    query = select(*walk.key, case((walk.over, 1), else_=0).label("over"))
    query = query.order_by(*walk.key).limit(SLICE)
    if after is not None:
        query = query.where(tuple_(*walk.key) > tuple_(*after))
    rows = tx.execute(query, values).all()
    if not rows:
        return None
    return Stretch(tuple(rows[-1][:-1]), [tuple(row[:-1]) for row in rows if row.over])


def drop(tx: Connection, name: str, keys: Sequence[tuple[Any, ...]], values: dict[str, Any]) -> int:
    """Let go of these rows, if they are still over; how many went."""
    walk = WALKS[name]
    statement = delete(walk.table).where(tuple_(*walk.key).in_(list(keys)), walk.over)
    return int(tx.execute(statement, values).rowcount)


def told_up_to(tx: Connection, before: datetime) -> int:
    """The number of the newest event from before then, or 0.

    Endpoints do not answer for older ones any more: their deliveries are about to go.
    """
    newest = tx.execute(_NEWEST, {"floor": floor_id("evt", before)}).scalar()
    if newest is None:
        return 0
    up_to = int(tx.execute(_SEQ, {"event_id": newest}).scalar_one())
    tx.execute(_TOLD, {"up_to": up_to})
    return up_to
