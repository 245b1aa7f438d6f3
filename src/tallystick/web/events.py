"""Events for merchants over HTTP: the feed, one event and where it went, and telling it again."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Count, Instant, Notes, Shown
from tallystick.domain.errors import Invalid
from tallystick.domain.event import is_pattern
from tallystick.flows import feed as flow
from tallystick.flows.feed import Attempt, Delivery, Event, Log, Reading
from tallystick.web import shapes
from tallystick.web.bodies import (
    Body,
    Parsed,
    body,
    described,
    instant_of,
    instant_param,
    page_limit,
)
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["events"])
LONGEST_WAIT_S: Final = 30
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


class EventAnswer(TypedDict):
    """Something that happened; `data` is the thing as it was then."""

    seq: Count
    id: str
    type: str
    timestamp: Instant
    subject: str
    paymentId: str | None
    data: Notes


class DeliveryAttemptAnswer(TypedDict):
    """What came of one try."""

    at: Instant
    durationMs: Count
    status: Count | None
    error: str | None
    response: str | None


class DeliveryAnswer(TypedDict):
    """An event on its way to one endpoint, with every try."""

    endpointId: str
    eventId: str
    seq: Count
    type: str
    state: Annotated[str, Shown(enum=["waiting", "delivered", "dead"])]
    tries: Count
    lastStatus: Count | None
    error: str | None
    response: str | None
    nextTryAt: Instant | None
    createdAt: Instant
    deliveredAt: Instant | None
    attempts: list[DeliveryAttemptAnswer]


class EventWithDeliveriesAnswer(EventAnswer):
    """An event, and where it went."""

    deliveries: list[DeliveryAnswer]


class ResentAnswer(TypedDict):
    """How many deliveries begin again."""

    deliveries: Count


class Resend(Body):
    """To whom; to all that want it where nothing is said."""

    endpoint_id: str | None = Field(default=None, max_length=40)


class ResendSince(Resend):
    """From when on."""

    since: str = Field(max_length=40, description="RFC 3339, such as 2026-11-20T09:00:00Z.")


@router.get(
    "/api/events", summary="Read the feed of events, from the oldest to the newest",
    responses=answers(several("Event", nextAfter={"type": "integer"}, newest={"type": "integer"})),
    openapi_extra={"parameters": [
        {"name": "after", "in": "query", "schema": {"type": "string", "default": "0"},
         "description": "The number that was read last, or `latest`."},
        {"name": "type", "in": "query", "schema": {"type": "string"},
         "description": "Such as `payment.paid`, `payment.*`; several with commas."},
        {"name": "wait", "in": "query",
         "schema": {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT_S, "default": 0},
         "description": "Seconds to wait for news where there is none."},
        {"name": "limit", "in": "query",
         "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}},
        {"name": "cursor", "in": "query", "schema": {"type": "string"},
         "description": "The nextCursor of the page before; the same as `after`."},
        *({"name": name, "in": "query", "schema": {"type": "string", "format": "date-time"}}
          for name in ("createdAfter", "createdBefore")),
    ]},
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Numbered 1, 2, 3 … without gaps: whoever goes on from `nextAfter` misses nothing."""
    who.needs("reader")
    limit = page_limit(request)
    after = _after(request)
    span = (instant_param(request, "createdAfter"), instant_param(request, "createdBefore"))
    patterns = _patterns(request)
    if after is None:
        newest = (await flow.read(hub, Reading(limit=1))).newest
        return _page([], limit, newest, newest)
    found = await flow.read(hub, Reading(after, limit, patterns, span), _wait_s(request))
    return _page(found.events, limit, after, found.newest)


def _page(events: Any, limit: int, after: int, newest: int) -> dict[str, Any]:
    shown = list(events)[:limit]
    last = shown[-1].seq if shown else after
    more = len(events) > limit
    return {
        "data": [_event(event) for event in shown],
        "pagination": {
            "limit": limit, "nextCursor": str(last) if more else None, "hasMore": more,
        },
        "nextAfter": last,
        "newest": newest,
    }  # fmt: skip


@router.get(
    "/api/events/{event_id}", summary="Read an event and where it went",
    responses=answers(one("EventWithDeliveries")),
)  # fmt: skip
async def show(event_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """With its deliveries, and every try of each."""
    who.needs("reader")
    event, log = await flow.find(hub, event_id)
    told: EventWithDeliveriesAnswer = {**_event(event), "deliveries": deliveries(log)}
    return {"data": told}


@router.post(
    "/api/events/{event_id}/resend", status_code=202, openapi_extra=described(Resend),
    summary="Deliver an event again", responses=answers(one("Resent"), 202),
)  # fmt: skip
async def resend(
    event_id: str, hub: HubDep, who: LimitedCaller,
    parsed: Annotated[Parsed[Resend], Depends(body(Resend))],
) -> dict[str, Any]:  # fmt: skip
    """With the same `webhook-id`, to one endpoint or to all that want it."""
    who.needs("operator")
    told: ResentAnswer = {"deliveries": await flow.resend(hub, event_id, parsed.value.endpoint_id)}
    return {"data": told}


@router.post(
    "/api/events/resend", status_code=202, openapi_extra=described(ResendSince),
    summary="Deliver again what happened since a time", responses=answers(one("Resent"), 202),
)  # fmt: skip
async def resend_since(
    hub: HubDep, who: LimitedCaller,
    parsed: Annotated[Parsed[ResendSince], Depends(body(ResendSince))],
) -> dict[str, Any]:  # fmt: skip
    """At most 10000 events; in order for each payment."""
    who.needs("operator")
    wished = parsed.value
    since = instant_of("since", wished.since)
    told: ResentAnswer = {"deliveries": await flow.resend_since(hub, since, wished.endpoint_id)}
    return {"data": told}


def deliveries(log: Log) -> list[DeliveryAnswer]:
    """Deliveries with their tries, as every answer shows them."""
    return [
        _delivery(found, log.attempts.get((found.endpoint_id, found.event_id), []))
        for found in log.deliveries
    ]


def attempt(tried: Attempt) -> DeliveryAttemptAnswer:
    """What came of one try."""
    return {
        "at": shapes.instant(tried.at),
        "durationMs": tried.duration_ms,
        "status": tried.status,
        "error": tried.error,
        "response": tried.excerpt,
    }


def _event(event: Event) -> EventAnswer:
    return {
        "seq": event.seq,
        "id": event.id,
        "type": event.type,
        "timestamp": shapes.instant(event.at),
        "subject": event.subject,
        "paymentId": event.payment_id,
        "data": event.data,
    }


def _delivery(found: Delivery, tries: list[Attempt]) -> DeliveryAnswer:
    return {
        "endpointId": found.endpoint_id,
        "eventId": found.event_id,
        "seq": found.seq,
        "type": found.type,
        "state": found.state,
        "tries": found.tries,
        "lastStatus": found.last_status,
        "error": found.error,
        "response": found.excerpt,
        "nextTryAt": shapes.instant(found.due_at),
        "createdAt": shapes.instant(found.created_at),
        "deliveredAt": shapes.instant(found.delivered_at),
        "attempts": [attempt(tried) for tried in tries],
    }


def _after(request: Request) -> int | None:
    """The number to go on from; None for the newest. Raises Invalid."""
    name = "after" if "after" in request.query_params else "cursor"
    text = request.query_params.get(name, "0")
    if text == "latest":
        return None
    if not _NUMBER.fullmatch(text):
        words = "the number of an event, such as 0 or the nextAfter of an answer, or latest"
        raise Invalid(f"{name} is {words}.", ((name, words),))
    return int(text)


def _patterns(request: Request) -> tuple[str, ...]:
    given = tuple(request.query_params.get("type", "*").split(","))
    sold = request.app.state.parts.events
    if not all(is_pattern(one, sold) for one in given):
        words = "types of events such as payment.paid or payment.*, with commas"
        raise Invalid(f"type is {words}.", (("type", words),))
    return given


def _wait_s(request: Request) -> float:
    text = request.query_params.get("wait", "0")
    if not _NUMBER.fullmatch(text) or int(text) > LONGEST_WAIT_S:
        words = f"a whole number of seconds from 0 to {LONGEST_WAIT_S}"
        raise Invalid(f"wait is {words}.", (("wait", words),))
    return float(text)
