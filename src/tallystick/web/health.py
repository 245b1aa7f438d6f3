"""Health, metrics and what gateways there are."""

from typing import Any, Literal, NotRequired

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Count, Currency, Instant
from tallystick.domain.evidence import Trust
from tallystick.flows import health as flow
from tallystick.flows.health import Heard
from tallystick.flows.hub import GatewayErrors, Hub
from tallystick.gateways.base import Gateway
from tallystick.web import metrics, shapes
from tallystick.web.auth import is_this_machine
from tallystick.web.depends import CallerDep, HubDep, LimitedCaller
from tallystick.web.description import answers
from tallystick.web.limits import RateLimits
from tallystick.web.schema_parts import ref, several

router = APIRouter(tags=["operations"])


class AliveAnswer(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class ReadyAnswer(TypedDict):
    """What a server can do now; `redis` where it is set."""

    status: Literal["ok", "degraded"]
    database: str
    redis: NotRequired[Literal["ok", "away"]]
    inboxWaiting: Count
    expiryHeld: bool


class LastHeard(TypedDict):
    """When a gateway told or was asked last."""

    lastWebhookAt: Instant | None
    lastPollAt: Instant | None


class LastErrors(TypedDict):
    """What a gateway failed at since the start."""

    errors: Count
    lastError: str | None
    lastErrorAt: Instant | None


class GatewayHealth(LastHeard, LastErrors):
    """How a gateway fares."""


class GatewayAnswer(TypedDict):
    """A gateway that is set up: what it can do, and how it fares."""

    name: str
    title: str
    currencies: list[Currency] | None
    cancels: bool
    verifies: Literal["fetch", "signed"]
    refunds: Literal["api", "manual", "none"]
    webhooks: bool
    tellsParts: bool
    health: GatewayHealth


@router.get("/health/live", summary="The process answers", responses=answers(ref("Alive")))
async def live() -> dict[str, str]:
    """Always 200 while the server runs."""
    return {"status": "ok"}


@router.get(
    "/health/ready", summary="The database answers and can be written",
    responses=answers(ref("Ready")),
)  # fmt: skip
async def ready(request: Request, hub: HubDep) -> dict[str, Any]:
    """200 where requests can be served; 503 where the database is away or nothing can be written.

    Notices are refused then too, so that gateways send them again. `status` is `degraded` where
    Redis is set and does not answer: all goes on without it.
    """
    waiting = await flow.written(hub)
    limits: RateLimits = request.app.state.limits
    redis = await limits.redis_answers()
    told: ReadyAnswer = {
        "status": "degraded" if redis is False else "ok",
        "database": hub.database.dialect,
        "inboxWaiting": waiting,
        "expiryHeld": hub.why_nothing_expires(hub.now()) is not None,
    }
    if redis is not None:
        told["redis"] = "ok" if redis else "away"
    return {**told}


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def prometheus(request: Request, hub: HubDep, who: CallerDep) -> Response:
    """Text in Prometheus' format, for this machine itself, or with a key. Holds no names."""
    if not is_this_machine(request):
        who.needs("reader")
    await _count(hub)
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _count(hub: Hub) -> None:
    seen = await flow.waiting(hub)
    metrics.LINKS.set(seen.head.links)
    metrics.HEAD.set(seen.head.number)
    metrics.INBOX.set(seen.notices)
    for state in flow.TROUBLED:
        metrics.TROUBLED.labels(state).set(seen.troubled.get(state, 0))
    metrics.OLDEST.set(seen.undelivered_s)
    metrics.DISABLED.set(seen.disabled)
    metrics.DELIVERIES.outcomes = seen.outcomes
    metrics.EXPIRY_HELD.set(hub.why_nothing_expires(hub.now()) is not None)
    for host, reading in hub.gateway_clocks.readings.items():
        metrics.CLOCK_AHEAD.labels(host).set(reading.ahead.total_seconds())
    for name in hub.gateways:
        metrics.SILENT.labels(name).set(hub.circuit(name).silent)


@router.get(
    "/api/gateways", summary="The gateways that are set up", responses=answers(several("Gateway"))
)
async def gateways(hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Names, capabilities and health: the last webhook, the last poll, errors since the start."""
    who.needs("reader")
    heard = await flow.heard(hub)
    return {
        "data": [
            _gateway(one, {**_heard(heard[name]), **_trouble(hub, name)})
            for name, one in hub.gateways.items()
        ],
        "pagination": {"limit": len(hub.gateways), "nextCursor": None, "hasMore": False},
    }


def _gateway(one: Gateway, health: GatewayHealth) -> GatewayAnswer:
    can = one.capabilities
    return {
        "name": one.name,
        "title": can.title,
        "currencies": sorted(can.currencies) or None,
        "verifies": "fetch" if can.verifies is Trust.FETCHED else "signed",
        "refunds": can.refunds,
        "tellsParts": can.tells_parts,
        "cancels": can.cancels,
        "webhooks": can.webhooks,
        "health": health,
    }


def _heard(known: Heard) -> LastHeard:
    return {
        "lastWebhookAt": shapes.instant(known.told_at),
        "lastPollAt": shapes.instant(known.asked_at),
    }


def _trouble(hub: Hub, name: str) -> LastErrors:
    trouble = hub.gateway_errors.get(name, GatewayErrors())
    return {
        "errors": trouble.count,
        "lastError": trouble.last,
        "lastErrorAt": shapes.instant(trouble.last_at),
    }
