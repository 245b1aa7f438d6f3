"""Deliver: events go out to the merchant's systems, signed, in order, until they are accepted."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from tallystick import outbound
from tallystick.domain import schedule
from tallystick.domain.errors import HubError
from tallystick.domain.event import payload
from tallystick.domain.mailbox import masked
from tallystick.domain.standard_webhooks import signature
from tallystick.flows.endpoints import disable, signing_keys
from tallystick.flows.event_data import with_data
from tallystick.flows.hub import Hub
from tallystick.flows.number_events import publish
from tallystick.store import deliveries, feed, webhook_endpoints
from tallystick.store.deliveries import Attempt, Due
from tallystick.store.webhook_endpoints import Endpoint

HELD_FOR: Final = timedelta(seconds=60)
TIMEOUT_S: Final = 15.0
AT_ONCE: Final = 20
"""How many deliveries to one endpoint are under way at once in this process."""

FAILING_FOR: Final = timedelta(days=3)
EXCERPT: Final = 500
LONGEST: Final = 1_000
GONE: Final = 410

log = structlog.get_logger()


async def deliver_events(hub: Hub) -> int:
    """Number what is new, and make the deliveries that are due; how much of both there was."""
    published = await publish(hub)
    due = await _take(hub)
    await asyncio.gather(*(_deliver(hub, one) for one in due))
    return published + len(due)


async def _take(hub: Hub) -> list[Due]:
    """What is due, as far as no endpoint gets too much at once; noted as under way."""
    async with hub.alone("deliveries"):
        now = hub.now()
        room = {endpoint: AT_ONCE - busy for endpoint, busy in hub.sending.items()}
        due = await hub.database.write(
            lambda tx: with_data(
                tx, hub, deliveries.take_due(tx, room, now, now + HELD_FOR, AT_ONCE)
            )
        )
        hub.sending.update(one.endpoint_id for one in due)
    return due


def next_due(tx: Connection) -> datetime | None:
    """When something is to be numbered or delivered."""
    both = (feed.oldest_unnumbered(tx), deliveries.next_due(tx))
    return min((at for at in both if at is not None), default=None)


def oldest_undelivered(tx: Connection) -> datetime | None:
    """When the oldest event happened that has not reached everybody who wants it."""
    both = (feed.oldest_unnumbered(tx), deliveries.oldest_waiting(tx))
    return min((at for at in both if at is not None), default=None)


async def _deliver(hub: Hub, due: Due) -> None:
    try:
        endpoint = await hub.database.read(lambda tx: webhook_endpoints.find(tx, due.endpoint_id))
        if endpoint is not None and endpoint.enabled:
            attempt = await send(hub, endpoint, due)
            ended = await hub.database.write(lambda tx: conclude(tx, hub, due, attempt))
            _tell(due, attempt, ended)
    finally:
        hub.sending[due.endpoint_id] -= 1


def _tell(due: Due, attempt: Attempt, ended: str | None) -> None:
    if attempt.error is not None:
        log.warning(
            "delivery_failed", endpoint=due.endpoint_id, event_id=due.event_id, tries=due.number,
            status=attempt.status, why=attempt.error,
        )  # fmt: skip
    if ended is not None:
        log.error("webhook_endpoint_disabled", endpoint=due.endpoint_id, why=ended)


async def send(hub: Hub, endpoint: Endpoint, due: Due) -> Attempt:
    """One try, whatever comes of it."""
    loop = asyncio.get_running_loop()
    at, started = hub.now(), loop.time()
    body = payload(due.type, due.at, due.data)
    status: int | None = None
    error: str | None = None
    excerpt = ""
    try:
        reply = await outbound.post(
            endpoint.url, _headers(hub, endpoint, due.event_id, body), body,
            allow_loopback=hub.sandbox, timeout_s=TIMEOUT_S,
        )  # fmt: skip
        status, excerpt = reply.status, _readable(reply.body)
        error = None if reply.accepted else f"The endpoint answered {reply.status}."
    except HubError as failure:
        error = failure.detail
    took_ms = round((loop.time() - started) * 1000)
    return Attempt(due.number, at, took_ms, status, error, excerpt or None)


def _headers(hub: Hub, endpoint: Endpoint, event_id: str, body: bytes) -> dict[str, str]:
    # The receiver's clock is the world's, also where ours is a sandbox's that was moved.
    real_now = hub.clock.real_now()
    stamp = str(int(real_now.timestamp()))
    keys = signing_keys(hub.secret, endpoint, hub.now())
    return {
        "content-type": "application/json",
        "user-agent": "Tallystick",
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signature(key, event_id, stamp, body) for key in keys),
    }


def _readable(body: bytes) -> str:
    """The beginning of an answer as text that every database can keep, without addresses.

    An endpoint may say what it was sent.
    """
    text = body[:LONGEST].decode("utf-8", "replace").replace("\0", "\ufffd")
    return masked(text)[:EXCERPT]


def conclude(tx: Connection, hub: Hub, due: Due, attempt: Attempt) -> str | None:
    """Write down what came of one try, and what follows from it, in one transaction.

    Where that ends the endpoint, returns why.
    """
    now = hub.now()
    endpoint = webhook_endpoints.lock(tx, due.endpoint_id)
    if endpoint is None:
        return None
    deliveries.log(tx, due, attempt)
    if attempt.error is not None:
        return _failed(tx, hub, endpoint, due, attempt)
    if deliveries.succeed(tx, due, attempt, now):
        webhook_endpoints.tally(tx, endpoint.id, failing_since=None, delivered=1)
    return None


def _failed(tx: Connection, hub: Hub, endpoint: Endpoint, due: Due, attempt: Attempt) -> str | None:
    now = hub.now()
    since = endpoint.failing_since or now
    retry_at = schedule.redeliver_at(due.number, now, hub.jitter())
    if not deliveries.fail(tx, due, attempt, retry_at, now):
        return None
    webhook_endpoints.tally(
        tx, endpoint.id, failing_since=since, failed=1, dead=int(retry_at is None)
    )
    reason = _hopeless(attempt, since, now) if endpoint.enabled else None
    if reason is not None:
        disable(tx, replace(endpoint, failing_since=since), reason, now)
    return reason


def _hopeless(attempt: Attempt, failing_since: datetime, now: datetime) -> str | None:
    if attempt.status == GONE:
        return "It answered 410 Gone, which says that it wants nothing any more."
    if now - failing_since >= FAILING_FOR:
        return f"Every delivery has failed since {failing_since:%Y-%m-%d %H:%M} UTC."
    return None
