"""The front door: what somebody sees, or a robot is told, who comes without an address."""

from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from tallystick import __version__
from tallystick.web import pages, problems
from tallystick.web.depends import HubDep
from tallystick.web.payer import language_of, page_answer, page_budget, remembering, site_of

router = APIRouter(tags=["operations"], include_in_schema=False)
# Pay pages are for whoever was given their address, and for no search engine.
_ROBOTS: Final = "User-agent: *\nDisallow: /\n"


@router.get("/", dependencies=[Depends(page_budget)], response_model=None)
async def front(request: Request, hub: HubDep) -> Response | dict[str, Any]:
    """A page for people; for programs, where to go on."""
    if problems.wants_page(request.headers.get("accept")):
        language = language_of(request)
        html = pages.render_front(language, site=site_of(hub))
        return remembering(request, hub, page_answer(html, language, 200), language)
    base = hub.settings.base_url.rstrip("/")
    return {
        "data": {
            "name": "Tallystick", "version": __version__, "docs": f"{base}/docs",
            "openapi": f"{base}/openapi.json", "dashboard": f"{base}/dashboard",
        }
    }  # fmt: skip


@router.get("/robots.txt")
async def robots() -> PlainTextResponse:
    """Nothing here is for a search engine."""
    return PlainTextResponse(_ROBOTS, headers={"cache-control": "public, max-age=86400"})
