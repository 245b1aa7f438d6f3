"""What merchants are told: webhook endpoints, and the feed of all events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tallystick.client.calls import Call, create, data
from tallystick.client.endpoints import L, Resource, endpoint, listed
from tallystick.client.pages import Page, listing
from tallystick.client.payments import texts
from tallystick.client.reading import Thing, named, secret


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint(Thing):
    """Where events go. `secret` is for `verify_webhook`; only the creating call gives it."""

    id: str
    url: str
    events: tuple[str, ...]
    secret: str | None = secret(default=None)
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Thing):
    """Something that happened. `seq` grows without gaps."""

    id: str
    type: str
    data: Mapping[str, Any]
    seq: int | None = None
    # Standard Webhooks call the time of an event its timestamp.
    created_at: datetime | None = named("timestamp", default=None)


class WebhookEndpoints(Resource[L]):
    """`hub.webhook_endpoints`."""

    @endpoint
    def create(
        self, *, url: str, events: Iterable[str], idempotency_key: str | None = None
    ) -> Call[WebhookEndpoint]:
        """Have events sent to an address."""
        body = {"url": url, "events": texts(events)}
        return create("/api/webhook-endpoints", data(WebhookEndpoint.read), body, idempotency_key)

    @listed
    def list(self, *, limit: int | None = None) -> Call[Page[WebhookEndpoint]]:
        """All endpoints."""
        return listing("/api/webhook-endpoints", WebhookEndpoint.read, limit=limit)


class Events(Resource[L]):
    """`hub.events`."""

    @listed
    def list(self, *, after: int | None = None, limit: int | None = None) -> Call[Page[Event]]:
        """All events after one; keep the last `seq` and none is missed."""
        return listing("/api/events", Event.read, after=after, limit=limit)
