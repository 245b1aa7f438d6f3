"""The named jobs over HTTP, for cron, in the shapes of system S1."""

from typing import Any

from fastapi import APIRouter, Request

from tallystick.flows import jobs as flow
from tallystick.web import shapes
from tallystick.web.auth import check_cron
from tallystick.web.depends import HubDep
from tallystick.web.description import answers
from tallystick.web.schemas import ref

router = APIRouter(tags=["jobs"])


@router.post("/api/jobs/{name}", summary="Run a job now", responses=answers(ref("JobRun")))
async def run(request: Request, name: str, hub: HubDep) -> dict[str, Any]:
    """With the cron secret. 409 where the job is running already."""
    check_cron(request)
    return shapes.run(name, await flow.run(hub, name))


@router.get("/api/jobs/{name}", summary="How a job has fared", responses=answers(ref("JobHistory")))
async def history(request: Request, name: str, hub: HubDep) -> dict[str, Any]:
    """With the cron secret. Durations in milliseconds, the rate in percent."""
    check_cron(request)
    stats, runs = await flow.history(hub, name)
    return shapes.job(name, stats, runs)
