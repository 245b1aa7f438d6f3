"""Webhook endpoints over HTTP: make, list, change, rotate, ping and delete them; their log."""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Count, Instant
from tallystick.domain.errors import Invalid
from tallystick.domain.event import is_pattern
from tallystick.flows import endpoints as flow
from tallystick.flows import feed
from tallystick.flows.endpoints import Endpoint, Wanted
from tallystick.web import shapes
from tallystick.web.bodies import Body, Parsed, body, described
from tallystick.web.depends import HubDep, LimitedCaller, listed
from tallystick.web.description import answers, creating, listing
from tallystick.web.events import attempt, deliveries
from tallystick.web.idempotency import created, once_only
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["webhook endpoints"])
_STATES: Final = ("waiting", "delivered", "dead")


def _refuse_unknown(request: Request, events: list[str] | None) -> None:
    sold = request.app.state.parts.events
    for pattern in events or ():
        if not is_pattern(pattern, sold):
            words = (
                f"{pattern[:60]!r} names no event; use *, payment.*, payment.paid and their like"
            )
            raise Invalid(f"events: {words}", (("events", words),))


class WebhookEndpointAnswer(TypedDict):
    """Where events are sent, and how it fares."""

    id: str
    url: str
    events: list[str]
    description: str
    disabled: bool
    disabledAt: Instant | None
    disabledReason: str | None
    failingSince: Instant | None
    previousSecretUntil: Instant | None
    delivered: Count
    failed: Count
    dead: Count
    createdAt: Instant
    updatedAt: Instant


class WebhookEndpointWithSecretAnswer(WebhookEndpointAnswer):
    """The same, with the secret that signs its deliveries, which is never shown again."""

    secret: str


class CreateEndpoint(Body):
    """Where events are sent, and which."""

    url: str = Field(min_length=1, max_length=2000, description="https, on a public address.")
    events: list[str] = Field(
        default_factory=lambda: ["*"], min_length=1, max_length=50,
        description="Types, such as payment.paid, payment.* or *.",
    )  # fmt: skip
    description: str = Field(default="", max_length=200)


class ChangeEndpoint(Body):
    """What is to be different; what is left out stays."""

    url: str | None = Field(default=None, min_length=1, max_length=2000)
    events: list[str] | None = Field(default=None, min_length=1, max_length=50)
    description: str | None = Field(default=None, max_length=200)
    disabled: bool | None = None


class Rotate(Body):
    """How long the old secret signs too."""

    overlap: int = Field(default=86_400, ge=0, le=7 * 86_400, description="Seconds.")


@router.post(
    "/api/webhook-endpoints", status_code=201, openapi_extra=creating(CreateEndpoint),
    summary="Make a webhook endpoint",
    responses=answers(one("WebhookEndpointWithSecret"), 201),
)  # fmt: skip
async def create(
    request: Request, hub: HubDep, who: LimitedCaller,
    parsed: Annotated[Parsed[CreateEndpoint], Depends(body(CreateEndpoint, "admin"))],
) -> Response:  # fmt: skip
    """Answers with the secret that signs its deliveries; it is never shown again."""
    who.needs("admin")
    wished = parsed.value
    _refuse_unknown(request, wished.events)
    wanted = Wanted(wished.url, wished.events, wished.description)
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: flow.create(hub, wanted),
        lambda made: created(_with_secret(*made)),
    )


@router.get(
    "/api/webhook-endpoints", summary="List webhook endpoints, newest first",
    responses=answers(several("WebhookEndpoint")), openapi_extra=listing(),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: createdAfter, createdBefore."""
    who.needs("reader")
    page = page_of(request, hub)
    found = await flow.listing(hub, page.span, page.after, page.limit)
    return page.answer(found, _shape, lambda endpoint: (endpoint.created_at, endpoint.id))


@router.get(
    "/api/webhook-endpoints/{endpoint_id}", summary="Read a webhook endpoint",
    responses=answers(one("WebhookEndpoint")),
)  # fmt: skip
async def show(endpoint_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Without its secret. `failingSince` and `disabledReason` say how it fares."""
    who.needs("reader")
    return {"data": _shape(await flow.find(hub, endpoint_id))}


@router.patch(
    "/api/webhook-endpoints/{endpoint_id}", summary="Change a webhook endpoint",
    openapi_extra=described(ChangeEndpoint), responses=answers(one("WebhookEndpoint")),
)  # fmt: skip
async def change(
    request: Request, endpoint_id: str, hub: HubDep, who: LimitedCaller,
    parsed: Annotated[Parsed[ChangeEndpoint], Depends(body(ChangeEndpoint, "admin"))],
) -> dict[str, Any]:  # fmt: skip
    """`disabled` gives up what waits; enabled again, it gets what happens from then on."""
    who.needs("admin")
    _refuse_unknown(request, parsed.value.events)
    changes = {name: value for name, value in parsed.value.model_dump().items()
               if value is not None}  # fmt: skip
    return {"data": _shape(await flow.change(hub, endpoint_id, changes))}


@router.delete(
    "/api/webhook-endpoints/{endpoint_id}", status_code=204, summary="Delete a webhook endpoint"
)
async def remove(endpoint_id: str, hub: HubDep, who: LimitedCaller) -> Response:
    """With its log. The events stay in the feed."""
    who.needs("admin")
    await flow.remove(hub, endpoint_id)
    return Response(status_code=204)


@router.post(
    "/api/webhook-endpoints/{endpoint_id}/rotate", summary="Replace the secret of an endpoint",
    openapi_extra=described(Rotate), responses=answers(one("WebhookEndpointWithSecret")),
)  # fmt: skip
async def rotate(
    endpoint_id: str, hub: HubDep, who: LimitedCaller,
    parsed: Annotated[Parsed[Rotate], Depends(body(Rotate, "admin"))],
) -> Response:  # fmt: skip
    """For `overlap` seconds every delivery is signed with both."""
    who.needs("admin")
    overlap = timedelta(seconds=parsed.value.overlap)
    made = await flow.rotate(hub, endpoint_id, overlap)
    return Response(
        shapes.encoded(_with_secret(*made)),
        headers={"cache-control": "no-store"}, media_type="application/json",
    )  # fmt: skip


@router.post(
    "/api/webhook-endpoints/{endpoint_id}/ping", summary="Try a webhook endpoint",
    responses=answers(one("DeliveryAttempt")),
)  # fmt: skip
async def ping(endpoint_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Sends a signed `ping` now, also to one that is disabled; what it answered."""
    who.needs("operator")
    return {"data": attempt(await feed.ping(hub, endpoint_id))}


@router.get(
    "/api/webhook-endpoints/{endpoint_id}/deliveries",
    summary="The log of an endpoint's deliveries, newest first",
    responses=answers(several("Delivery")), openapi_extra=listing(state=_STATES),
)  # fmt: skip
async def log(
    request: Request, endpoint_id: str, hub: HubDep, who: LimitedCaller
) -> dict[str, Any]:
    """Filters: state (waiting, delivered, dead), createdAfter, createdBefore."""
    who.needs("reader")
    page = page_of(request, hub)
    state = request.query_params.get("state")
    found = await feed.log(
        hub, endpoint_id, state=state, span=page.span, after=page.after, limit=page.limit
    )
    places = [(one.created_at, one.event_id) for one in found.deliveries]
    return listed(hub, deliveries(found), places, page.limit)


def _with_secret(endpoint: Endpoint, secret: str) -> dict[str, WebhookEndpointWithSecretAnswer]:
    return {"data": {**_shape(endpoint), "secret": secret}}


def _shape(endpoint: Endpoint) -> WebhookEndpointAnswer:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "disabled": not endpoint.enabled,
        "disabledAt": shapes.instant(endpoint.disabled_at),
        "disabledReason": endpoint.disabled_reason,
        "failingSince": shapes.instant(endpoint.failing_since),
        "previousSecretUntil": shapes.instant(endpoint.previous_until),
        "delivered": endpoint.delivered,
        "failed": endpoint.failed,
        "dead": endpoint.dead,
        "createdAt": shapes.instant(endpoint.created_at),
        "updatedAt": shapes.instant(endpoint.updated_at),
    }
