"""The named jobs over HTTP, for cron, in the shapes of the replaced payment-link service."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from tallystick.flows import schedule as flow
from tallystick.web import shapes
from tallystick.web.auth import check_cron
from tallystick.web.depends import HubDep
from tallystick.web.description import answers
from tallystick.web.schema_parts import ref, several

router = APIRouter(tags=["jobs"])


@router.get("/api/jobs", summary="List the jobs", responses=answers(several("Job")))
async def index(request: Request, hub: HubDep) -> dict[str, Any]:
    """With the cron secret. All of them, in one page: when each runs, and how it has fared.

    `enabled` is false where a job is in `TALLYSTICK_JOBS_OFF`. `every` is in seconds.
    """
    check_cron(request)
    found = await flow.histories(hub)
    return {
        "data": [shapes.listed_job(one) for one in found],
        "pagination": {"limit": len(found), "nextCursor": None, "hasMore": False},
    }


@router.post("/api/jobs/{name}", summary="Run a job now", responses=answers(ref("JobRun")))
async def run(request: Request, name: str, hub: HubDep) -> Mapping[str, Any]:
    """With the cron secret. 409 where the job is running already, or is switched off."""
    check_cron(request)
    return shapes.run(name, await flow.run(hub, name))


@router.get("/api/jobs/{name}", summary="How a job has fared", responses=answers(ref("JobHistory")))
async def history(request: Request, name: str, hub: HubDep) -> Mapping[str, Any]:
    """With the cron secret. Durations in milliseconds, the rate in percent.

    `enabled` is false where the job is switched off, and is left out otherwise.
    """
    check_cron(request)
    return shapes.job(await flow.history(hub, name))
