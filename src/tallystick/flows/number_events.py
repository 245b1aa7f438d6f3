"""Publish: what is committed gets its number in the feed, and a delivery for each who wants it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.event import wants
from tallystick.flows.hub import Hub
from tallystick.store import deliveries, feed, webhook_endpoints
from tallystick.store.feed import BATCH, Event

MOST_ROUNDS: Final = 200


async def publish(hub: Hub) -> int:
    """Number everything that was told until now; how much that was. Safe to repeat."""
    published = 0
    for _ in range(MOST_ROUNDS):
        if await hub.database.read(feed.oldest_unnumbered) is None:
            break
        published += (did := await hub.database.write(lambda tx: len(publish_some(tx, hub.now()))))
        if did < BATCH:
            break
    return published


def publish_some(tx: Connection, now: datetime) -> list[Event]:
    """The next numbers and their deliveries, all in one transaction."""
    feed.lock(tx)
    events = feed.number(tx)
    if events:
        _spread(tx, events, now)
    return events


def publish_all(tx: Connection, now: datetime) -> int:
    """Number everything that is committed; the newest number. What comes now belongs to later."""
    while publish_some(tx, now):
        pass
    return feed.newest(tx)


def _spread(tx: Connection, events: Sequence[Event], now: datetime) -> None:
    for endpoint in webhook_endpoints.lock_enabled(tx):
        wanted = [event for event in events if wants(endpoint.events, event.type)]
        deliveries.add(tx, endpoint.id, wanted, now)
