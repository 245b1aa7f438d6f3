"""The feed and the log as merchants read them, and what they want to be told again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from typing_extensions import TypedDict

from tallystick.domain.errors import Conflict, NotFound
from tallystick.domain.event import PING, wants
from tallystick.domain.ids import is_id, new_id
from tallystick.flows import endpoints
from tallystick.flows.deliver import send
from tallystick.flows.event_data import with_data
from tallystick.flows.hub import Hub
from tallystick.flows.number_events import publish
from tallystick.store import deliveries, feed, webhook_endpoints
from tallystick.store.deliveries import Attempt, Delivery, Due
from tallystick.store.feed import Event
from tallystick.store.webhook_endpoints import Endpoint

__all__ = ["Attempt", "Delivery", "Event"]

MOST_AT_ONCE: Final = 10_000
_GLANCE_S: Final = 0.3
Span = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody wants to read of the feed: from where, how much, and which."""

    after: int = 0
    limit: int = 50
    patterns: tuple[str, ...] = ("*",)
    span: Span = (None, None)


@dataclass(frozen=True, slots=True)
class Read:
    """A stretch of the feed, one event more than was asked for where there are more."""

    events: Sequence[Event]
    newest: int


@dataclass(frozen=True, slots=True)
class Log:
    """Deliveries, and the tries of each by (endpoint id, event id)."""

    deliveries: Sequence[Delivery]
    attempts: dict[tuple[str, str], list[Attempt]] = field(default_factory=dict)


async def read(hub: Hub, reading: Reading, wait_s: float = 0.0) -> Read:
    """What follows in the feed; where that is nothing, waits for it up to `wait_s`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    while True:
        await publish(hub)
        found = await hub.database.read(lambda tx: _read(tx, hub, reading))
        if found.events or loop.time() >= deadline:
            return found
        await asyncio.sleep(_GLANCE_S)


def _read(tx: Connection, hub: Hub, reading: Reading) -> Read:
    events = feed.page(
        tx, after=reading.after, limit=reading.limit, patterns=reading.patterns, span=reading.span
    )
    return Read(with_data(tx, hub, events), feed.newest(tx))


async def find(hub: Hub, event_id: str) -> tuple[Event, Log]:
    """One event, and where it went. Raises NotFound."""
    await publish(hub)

    def body(tx: Connection) -> tuple[Event, Log]:
        event = _found(feed.find(tx, event_id) if is_id("evt", event_id) else None)
        [event] = with_data(tx, hub, [event])
        return event, _log(tx, deliveries.of_event(tx, event_id))

    return await hub.database.read(body)


async def log(
    hub: Hub,
    endpoint_id: str,
    *,
    state: str | None,
    span: Span,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Log:
    """The deliveries of an endpoint, newest first, with their tries. Raises NotFound."""
    await endpoints.find(hub, endpoint_id)
    return await hub.database.read(
        lambda tx: _log(
            tx,
            deliveries.page(tx, endpoint_id, state=state, span=span, after=after, limit=limit),
        )
    )


def _log(tx: Connection, found: Sequence[Delivery]) -> Log:
    return Log(found, deliveries.attempts(tx, [one.event_id for one in found]))


async def resend(hub: Hub, event_id: str, endpoint_id: str | None) -> int:
    """Deliver one event again: to one endpoint, or to all that want it. To how many.

    Raises NotFound; Conflict where no endpoint that is enabled wants it.
    """
    event, _ = await find(hub, event_id)

    def body(tx: Connection) -> int:
        chosen = _targets(tx, endpoint_id)
        if endpoint_id is None:
            chosen = [one for one in chosen if wants(one.events, event.type)]
        if not chosen:
            raise Conflict(f"No endpoint that is enabled wants {event.type}.")
        for one in chosen:
            deliveries.redeliver(tx, one.id, hub.now(), event_id=event.id)
        return len(chosen)

    done = await hub.database.write(body)
    hub.work_signal.ring()
    return done


async def resend_since(hub: Hub, since: datetime, endpoint_id: str | None) -> int:
    """Deliver again what happened from a time on, to whoever wants it; how many deliveries.

    Raises NotFound, Conflict where that is more than may be done at once.
    """
    await publish(hub)

    def body(tx: Connection) -> int:
        if feed.count_since(tx, since) > MOST_AT_ONCE:
            raise Conflict(
                f"More than {MOST_AT_ONCE} events happened since then; begin later, or read "
                "GET /api/events?after= instead."
            )
        return sum(
            deliveries.redeliver(tx, one.id, hub.now(), since=since, patterns=one.events)
            for one in _targets(tx, endpoint_id)
        )

    done = await hub.database.write(body)
    hub.work_signal.ring()
    return done


class PingNews(TypedDict):
    """What a ping tells: to which endpoint it was sent."""

    endpointId: str


async def ping(hub: Hub, endpoint_id: str) -> Attempt:
    """Send a signed `ping`, which is no event, and say what the endpoint answered."""
    endpoint = await endpoints.find(hub, endpoint_id)
    now = hub.now()
    about: PingNews = {"endpointId": endpoint.id}
    event_id = new_id("evt", now)
    ping_ = Due(endpoint.id, event_id, 0, PING, endpoint.id, None, 1, {**about}, now)
    return await send(hub, endpoint, ping_)


def _targets(tx: Connection, endpoint_id: str | None) -> list[Endpoint]:
    """The endpoints that are enabled, or the one that is named; their rows are held."""
    if endpoint_id is None:
        return webhook_endpoints.lock_enabled(tx)
    endpoint = webhook_endpoints.lock(tx, endpoint_id)
    if endpoint is None:
        raise NotFound("There is no webhook endpoint with this id.")
    if not endpoint.enabled:
        raise Conflict("The endpoint is disabled; enable it first.")
    return [endpoint]


def _found(event: Event | None) -> Event:
    if event is None:
        raise NotFound("There is no event with this id.")
    return event
