"""Webhook endpoints: where a merchant's systems want to be told, of what, and how that goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy import delete as delete_from

from tallystick.store.places import window
from tallystick.store.schema.merchant_events import (
    deliveries,
    delivery_attempts,
    webhook_endpoints,
)

_T = webhook_endpoints.c
_ADD = insert(webhook_endpoints)
_COLUMNS = tuple(webhook_endpoints.c)
_FIND = select(*_COLUMNS).where(_T.id == bindparam("id"))
_LOCK = _FIND.with_for_update()
_LOCK_ENABLED = select(*_COLUMNS).where(_T.state == "enabled").order_by(_T.id).with_for_update()
_DISABLED = select(*_COLUMNS).where(_T.state == "disabled").order_by(_T.disabled_at, _T.id)
_COUNT: Final = select(func.count()).select_from(webhook_endpoints)
_CHANGE = (
    update(webhook_endpoints)
    .where(_T.id == bindparam("of_id"))
    .values({
        name: bindparam(name)
        for name in (
            "url", "description", "events", "secret", "previous_secret", "previous_until", "state",
            "disabled_at", "disabled_reason", "since_seq", "failing_since", "updated_at",
        )
    })
)  # fmt: skip
_TALLY = (
    update(webhook_endpoints)
    .where(_T.id == bindparam("of_id"))
    .values(
        failing_since=bindparam("failing", type_=_T.failing_since.type),
        delivered=_T.delivered + bindparam("more_delivered"),
        failed=_T.failed + bindparam("more_failed"),
        dead=_T.dead + bindparam("more_dead"),
    )
)
_TALLIES = select(
    func.coalesce(func.sum(_T.delivered), 0).label("delivered"),
    func.coalesce(func.sum(_T.failed), 0).label("failed"),
    func.coalesce(func.sum(_T.dead), 0).label("dead"),
)
_REMOVE = (
    delete_from(delivery_attempts).where(delivery_attempts.c.endpoint_id == bindparam("id")),
    delete_from(deliveries).where(deliveries.c.endpoint_id == bindparam("id")),
    delete_from(webhook_endpoints).where(_T.id == bindparam("id")),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. The secrets are sealed; `events` are patterns such as `payment.*`.

    `failing_since` is when the first of the failures happened that no success has followed.
    """

    id: str
    url: str
    description: str
    events: Sequence[str]
    secret: bytes
    previous_secret: bytes | None
    previous_until: datetime | None
    state: str
    disabled_at: datetime | None
    disabled_reason: str | None
    since_seq: int
    failing_since: datetime | None
    delivered: int
    failed: int
    dead: int
    created_at: datetime
    updated_at: datetime

    @property
    def enabled(self) -> bool:
        """Whether anything is sent to it."""
        return self.state == "enabled"


def add(tx: Connection, endpoint: Endpoint) -> None:
    """Insert a new endpoint."""
    tx.execute(_ADD, _values(endpoint))


def count(tx: Connection) -> int:
    """How many there are."""
    return int(tx.execute(_COUNT).scalar_one())


def find(tx: Connection, endpoint_id: str) -> Endpoint | None:
    """One endpoint, or None."""
    row = tx.execute(_FIND, {"id": endpoint_id}).first()
    return None if row is None else Endpoint(**row._mapping)


def lock(tx: Connection, endpoint_id: str) -> Endpoint | None:
    """The same, with its row held: what waits for it changes in one transaction at a time."""
    row = tx.execute(_LOCK, {"id": endpoint_id}).first()
    return None if row is None else Endpoint(**row._mapping)


def lock_enabled(tx: Connection) -> list[Endpoint]:
    """All that take deliveries, with their rows held."""
    return [Endpoint(**row._mapping) for row in tx.execute(_LOCK_ENABLED)]


def disabled(tx: Connection) -> list[Endpoint]:
    """All that take no deliveries, the longest first."""
    return [Endpoint(**row._mapping) for row in tx.execute(_DISABLED)]


def page(
    tx: Connection,
    *,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Endpoint]:
    """Newest first, one more than `limit` where there are more."""
    query = select(*_COLUMNS).order_by(_T.created_at.desc(), _T.id.desc())
    query = window(query, _T.created_at, _T.id, span, after)
    return [Endpoint(**row._mapping) for row in tx.execute(query.limit(limit + 1))]


def change(tx: Connection, endpoint: Endpoint) -> None:
    """Write the new state of a locked endpoint; its tallies stay as they are."""
    tx.execute(_CHANGE, {"of_id": endpoint.id, **_values(endpoint)})


def tally(
    tx: Connection,
    endpoint_id: str,
    *,
    failing_since: datetime | None,
    delivered: int = 0,
    failed: int = 0,
    dead: int = 0,
) -> None:
    """Count what came of deliveries."""
    tx.execute(_TALLY, {
        "of_id": endpoint_id, "failing": failing_since, "more_delivered": delivered,
        "more_failed": failed, "more_dead": dead,
    })  # fmt: skip


def tallies(tx: Connection) -> dict[str, int]:
    """What came of all deliveries, by outcome."""
    row = tx.execute(_TALLIES).one()
    return {name: int(count) for name, count in row._mapping.items()}


def remove(tx: Connection, endpoint_id: str) -> None:
    """Delete an endpoint and all that was, or was to be, delivered to it."""
    for statement in _REMOVE:
        tx.execute(statement, {"id": endpoint_id})


def _values(endpoint: Endpoint) -> dict[str, Any]:
    values = {column.name: getattr(endpoint, column.name) for column in webhook_endpoints.c}
    return {**values, "events": list(endpoint.events)}
