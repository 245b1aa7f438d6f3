"""Health, metrics and what gateways there are."""

from typing import Any

from fastapi import APIRouter, Response

from tallystick.domain.evidence import Trust
from tallystick.store import inbox
from tallystick.web import metrics
from tallystick.web.depends import HubDep, LimitedCaller

router = APIRouter(tags=["operations"])


@router.get("/health/live", summary="The process answers")
async def live() -> dict[str, str]:
    """Always 200 while the server runs."""
    return {"status": "ok"}


@router.get("/health/ready", summary="The database answers")
async def ready(hub: HubDep) -> dict[str, Any]:
    """200 where requests can be served, 503 where the database is away."""
    waiting = await hub.database.read(inbox.waiting)
    return {"status": "ok", "database": hub.database.dialect, "inboxWaiting": waiting}


@router.get("/metrics", summary="Prometheus metrics")
async def prometheus(hub: HubDep) -> Response:
    """Text in Prometheus' format. Holds no names of people or payments."""
    metrics.INBOX.set(await hub.database.read(inbox.waiting))
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/api/gateways", summary="The gateways that are set up")
async def gateways(hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Names and capabilities."""
    who.needs("reader")
    return {
        "data": [
            {
                "name": one.name,
                "title": one.capabilities.title,
                "currencies": sorted(one.capabilities.currencies) or None,
                "verifies": "fetch" if one.capabilities.verifies is Trust.FETCHED else "signed",
                "refunds": one.capabilities.refunds,
                "cancels": one.capabilities.cancels,
                "webhooks": one.capabilities.webhooks,
            }
            for one in hub.gateways.values()
        ],
        "pagination": {"limit": len(hub.gateways), "nextCursor": None, "hasMore": False},
    }
