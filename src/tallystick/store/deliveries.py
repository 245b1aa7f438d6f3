"""Deliveries: each event for each endpoint that wants it, in order for each subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Text,
    and_,
    bindparam,
    exists,
    insert,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy import update as update_of
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.ids import new_id
from tallystick.store.columns import AnyRow
from tallystick.store.feed import Event, matching
from tallystick.store.places import window
from tallystick.store.schema.core import outbox
from tallystick.store.schema.merchant_events import deliveries, delivery_attempts, feed

_D: Final = deliveries.c
_EARLIER: Final = deliveries.alias("earlier")
# As a word and not as a parameter, so that a planner sees that the partial indexes will do.
_WAITING: Final = literal("waiting", literal_execute=True)
_FRESH: Final = {
    "state": "waiting", "due_at": None, "held": False, "tries": 0, "last_status": None,
    "error": None, "excerpt": None, "delivered_at": None,
}  # fmt: skip
_ADD = insert(deliveries)
# Of one subject, and of one payment, the next waits for the one before it.
_BEHIND = exists(
    select(_EARLIER.c.seq).where(
        _EARLIER.c.endpoint_id == _D.endpoint_id,
        _EARLIER.c.state == _WAITING,
        _EARLIER.c.seq < _D.seq,
        or_(_EARLIER.c.subject == _D.subject, _EARLIER.c.payment_id == _D.payment_id),
    )
)
_ASLEEP = and_(_D.endpoint_id == bindparam("endpoint"), _D.state == _WAITING, _D.due_at.is_(None))
_WAKE_SINCE = (
    update_of(deliveries)
    .where(_ASLEEP, _D.seq >= bindparam("since"), ~_BEHIND)
    .values(due_at=bindparam("now"))
)
_WAKE_NEXT = (
    update_of(deliveries)
    .where(
        _ASLEEP, or_(_D.subject == bindparam("of_subject"), _D.payment_id == bindparam("payment")),
        ~_BEHIND,
    )
    .values(due_at=bindparam("now"))
)  # fmt: skip
# `|| ''` keeps SQLite from reading all deliveries in the order of endpoints.
_DUE_AT = (
    select(literal_column("endpoint_id || ''", Text()))
    .select_from(deliveries)
    .where(_D.due_at <= bindparam("now"))
    .distinct()
)
_DUE = (
    select(
        _D.endpoint_id, _D.event_id, _D.seq, _D.type, _D.subject, _D.payment_id, _D.tries,
        outbox.c.data, outbox.c.at,
    )
    .join(outbox, outbox.c.id == _D.event_id)
    .where(_D.endpoint_id == bindparam("endpoint"), _D.due_at <= bindparam("now"))
    .order_by(_D.due_at, _D.seq)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, of=deliveries)
)  # fmt: skip
_TAKE = (
    update_of(deliveries)
    .where(
        _D.endpoint_id == bindparam("endpoint"),
        _D.event_id.in_(bindparam("ids", expanding=True)),
    )
    .values(due_at=bindparam("until"), held=True, tries=_D.tries + 1)
)
_THIS = and_(
    _D.endpoint_id == bindparam("endpoint"), _D.event_id == bindparam("event"),
    _D.state == _WAITING,
)  # fmt: skip
_DELIVERED = (
    update_of(deliveries)
    .where(_THIS)
    .values(
        state="delivered", due_at=None, held=False, delivered_at=bindparam("now"), error=None,
        last_status=bindparam("status"), excerpt=bindparam("with_excerpt"),
    )
)  # fmt: skip
_FAILED = (
    update_of(deliveries)
    # Another worker may have taken it up once more while this one still waited for its answer.
    .where(_THIS, _D.tries == bindparam("try_number"))
    .values(
        state=bindparam("new_state"), due_at=bindparam("due"), held=False,
        last_status=bindparam("status"), error=bindparam("why"), excerpt=bindparam("with_excerpt"),
    )
)  # fmt: skip
_BURY = (
    update_of(deliveries)
    .where(_D.endpoint_id == bindparam("endpoint"), _D.state == _WAITING)
    .values(state="dead", due_at=None, held=False, error=bindparam("why"))
)
_LOG = insert(delivery_attempts)
_LET_GO = (
    update_of(deliveries)
    .where(_D.due_at.is_not(None), _D.held == 1)
    .values(due_at=bindparam("now"), held=False)
)
_NEXT_DUE = select(_D.due_at).where(_D.due_at.is_not(None)).order_by(_D.due_at).limit(1)
_OLDEST = (
    select(outbox.c.at)
    .join(deliveries, _D.event_id == outbox.c.id)
    .where(_D.state == _WAITING)
    .order_by(_D.seq)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Due:
    """One delivery that was taken up. `number` counts its tries, this one included."""

    endpoint_id: str
    event_id: str
    seq: int
    type: str
    subject: str
    payment_id: str | None
    number: int
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one try. `error` says in words why it was no success."""

    number: int
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    excerpt: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event at one endpoint, as the log shows it. Without `due_at` it waits for another."""

    endpoint_id: str
    event_id: str
    seq: int
    type: str
    state: str
    due_at: datetime | None
    tries: int
    last_status: int | None
    error: str | None
    excerpt: str | None
    created_at: datetime
    delivered_at: datetime | None


def add(tx: Connection, endpoint_id: str, events: Sequence[Event], now: datetime) -> None:
    """These events are to go to this endpoint, whose row is locked."""
    if not events:
        return
    tx.execute(_ADD, [
        {
            "endpoint_id": endpoint_id, "event_id": one.id, "seq": one.seq, "type": one.type,
            "subject": one.subject, "payment_id": one.payment_id, "created_at": now, **_FRESH,
        }
        for one in events
    ])  # fmt: skip
    wake_since(tx, endpoint_id, events[0].seq, now)


def wake_since(tx: Connection, endpoint_id: str, seq: int, now: datetime) -> None:
    """Make due what waits from this number on and has nothing before it; needs the lock."""
    tx.execute(_WAKE_SINCE, {"endpoint": endpoint_id, "since": seq, "now": now})


def take_due(
    tx: Connection, room: dict[str, int], now: datetime, until: datetime, most: int
) -> list[Due]:
    """Deliveries to be made now, held until `until`: a crash gives them back then.

    `room` is how many more an endpoint may have under way; `most` where it has none yet.
    """
    found: list[Due] = []
    for endpoint in list(tx.execute(_DUE_AT, {"now": now}).scalars()):
        limit = room.get(endpoint, most)
        if limit > 0:
            rows = list(tx.execute(_DUE, {"endpoint": endpoint, "now": now, "limit": limit}))
            _take(tx, endpoint, [row.event_id for row in rows], until)
            found += [_due(row) for row in rows]
    return found


def _take(tx: Connection, endpoint_id: str, ids: Sequence[str], until: datetime) -> None:
    if ids:
        tx.execute(_TAKE, {"endpoint": endpoint_id, "ids": ids, "until": until})


def succeed(tx: Connection, due: Due, attempt: Attempt, now: datetime) -> bool:
    """It arrived; what waited for it is due. False where it was closed already."""
    values = {**_name(due), "now": now, "status": attempt.status, "with_excerpt": attempt.excerpt}
    closed = tx.execute(_DELIVERED, values).rowcount == 1
    if closed:
        _wake_next(tx, due, now)
    return closed


def fail(
    tx: Connection, due: Due, attempt: Attempt, retry_at: datetime | None, now: datetime
) -> bool:
    """Try again at `retry_at`; None ends it, and what waited for it is due.

    False where somebody else goes on with it, or it was closed already.
    """
    values = {
        **_name(due), "try_number": due.number, "new_state": "waiting" if retry_at else "dead",
        "due": retry_at, "status": attempt.status, "why": attempt.error,
        "with_excerpt": attempt.excerpt,
    }  # fmt: skip
    ours = tx.execute(_FAILED, values).rowcount == 1
    if ours and retry_at is None:
        _wake_next(tx, due, now)
    return ours


def _wake_next(tx: Connection, due: Due, now: datetime) -> None:
    values = {"endpoint": due.endpoint_id, "of_subject": due.subject, "payment": due.payment_id}
    tx.execute(_WAKE_NEXT, {**values, "now": now})


def bury(tx: Connection, endpoint_id: str, why: str) -> int:
    """Give up what waits for an endpoint; how much that was."""
    return int(tx.execute(_BURY, {"endpoint": endpoint_id, "why": why}).rowcount)


def log(tx: Connection, due: Due, attempt: Attempt) -> None:
    """Keep what came of one try."""
    tx.execute(_LOG, {
        "id": new_id("att", attempt.at), "endpoint_id": due.endpoint_id, "event_id": due.event_id,
        "number": attempt.number, "at": attempt.at, "duration_ms": attempt.duration_ms,
        "status": attempt.status, "error": attempt.error, "excerpt": attempt.excerpt,
    })  # fmt: skip


def let_go(tx: Connection, now: datetime) -> None:
    """Make due what a dead process may have held. Only where nobody else works."""
    tx.execute(_LET_GO, {"now": now})


def next_due(tx: Connection) -> datetime | None:
    """When the earliest delivery is due."""
    return tx.execute(_NEXT_DUE).scalar()


def oldest_waiting(tx: Connection) -> datetime | None:
    """When the oldest event happened that still waits for an endpoint."""
    return tx.execute(_OLDEST).scalar()


def _resent(endpoint_id: str, now: datetime) -> Any:
    """The event of the feed as a fresh delivery; the start of what `redeliver` selects."""
    return select(
        literal(endpoint_id), feed.c.event_id, feed.c.seq, outbox.c.type, outbox.c.subject,
        outbox.c.payment_id, literal("waiting"), literal(0), literal(0),
        literal(now, type_=_D.created_at.type),
    ).join(outbox, outbox.c.id == feed.c.event_id)  # fmt: skip


_RESENT_COLUMNS: Final = (
    "endpoint_id", "event_id", "seq", "type", "subject", "payment_id", "state", "held", "tries",
    "created_at",
)  # fmt: skip


def redeliver(
    tx: Connection,
    endpoint_id: str,
    now: datetime,
    *,
    event_id: str | None = None,
    since: datetime | None = None,
    patterns: Sequence[str] = ("*",),
) -> int:
    """Deliver again, from the first try on; how many. Needs the endpoint's lock.

    One event, or all that happened from `since` on; `patterns` name types.
    """
    chosen = _resent(endpoint_id, now)
    if event_id is not None:
        chosen = chosen.where(feed.c.event_id == event_id)
    if since is not None:
        chosen = chosen.where(outbox.c.at >= since)
    # SQLite takes the ON of an upsert for that of a join where the select has no WHERE.
    chosen = chosen.where(feed.c.seq > 0, matching(patterns))
    make = pg_insert if tx.dialect.name == "postgresql" else sqlite_insert
    adding = make(deliveries).from_select(list(_RESENT_COLUMNS), chosen, include_defaults=False)
    done = tx.execute(
        adding.on_conflict_do_update(index_elements=["endpoint_id", "event_id"], set_=_FRESH)
    )
    wake_since(tx, endpoint_id, 0, now)
    return int(done.rowcount)


def page(
    tx: Connection,
    endpoint_id: str,
    *,
    state: str | None,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Delivery]:
    """An endpoint's deliveries, newest first, one more than `limit` where there are more."""
    query = _SHOWN.where(_D.endpoint_id == endpoint_id)
    query = query.order_by(_D.created_at.desc(), _D.event_id.desc())
    if state is not None:
        query = query.where(_D.state == state)
    query = window(query, _D.created_at, _D.event_id, span, after)
    return [Delivery(**row._mapping) for row in tx.execute(query.limit(limit + 1))]


_SHOWN = select(
    _D.endpoint_id, _D.event_id, _D.seq, _D.type, _D.state, _D.due_at, _D.tries, _D.last_status,
    _D.error, _D.excerpt, _D.created_at, _D.delivered_at,
)  # fmt: skip
_OF_EVENT = _SHOWN.where(_D.event_id == bindparam("event")).order_by(_D.endpoint_id)
_A: Final = delivery_attempts.c
_TRIES = (
    select(
        _A.endpoint_id, _A.event_id, _A.number, _A.at, _A.duration_ms, _A.status, _A.error,
        _A.excerpt,
    )
    .where(_A.event_id.in_(bindparam("events", expanding=True)))
    .order_by(_A.at, _A.number, _A.id)
)  # fmt: skip


def of_event(tx: Connection, event_id: str) -> list[Delivery]:
    """Where one event went, or is to go."""
    return [Delivery(**row._mapping) for row in tx.execute(_OF_EVENT, {"event": event_id})]


def attempts(tx: Connection, event_ids: Sequence[str]) -> dict[tuple[str, str], list[Attempt]]:
    """The tries of these events by (endpoint id, event id), the first one first."""
    found: dict[tuple[str, str], list[Attempt]] = {}
    for row in tx.execute(_TRIES, {"events": list(event_ids)}) if event_ids else ():
        values = dict(row._mapping)
        place = (values.pop("endpoint_id"), values.pop("event_id"))
        found.setdefault(place, []).append(Attempt(**values))
    return found


def _name(due: Due) -> dict[str, str]:
    return {"endpoint": due.endpoint_id, "event": due.event_id}


def _due(row: AnyRow) -> Due:
    return Due(
        row.endpoint_id, row.event_id, row.seq, row.type, row.subject, row.payment_id,
        row.tries + 1, row.data, row.at,
    )  # fmt: skip
