"""The page that posts a signed form to a gateway whose own page opens in no other way."""

from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from tallystick.domain.errors import Conflict, NotFound
from tallystick.flows.payment_form import posting
from tallystick.web import pages
from tallystick.web.depends import HubDep
from tallystick.web.description import PAGE_PROBLEMS
from tallystick.web.payer import (
    language_of,
    not_found_page,
    page_answer,
    page_budget,
    path_of,
    site_of,
)

router = APIRouter(tags=["pay pages"], dependencies=[Depends(page_budget)], responses=PAGE_PROBLEMS)
_LONGEST: Final = 80


@router.get("/pay/form/{ticket}", response_class=HTMLResponse, summary="Continue to the gateway")
async def form(request: Request, ticket: str, hub: HubDep) -> Response:
    """What `checkoutUrl` leads to where a gateway wants a form posted; starts nothing by itself.

    Where the payment cannot be paid any more, a link's payer is sent back to its page.
    """
    try:
        if len(ticket) > _LONGEST:
            raise NotFound("There is no payment here; ask the merchant for a new link.")
        made = await posting(hub, ticket)
    except NotFound:
        return not_found_page(request, hub)
    if not made.payable:
        if made.snapshot.link is None:
            raise Conflict(f"The payment is {made.snapshot.phase}, so it cannot be paid now.")
        return RedirectResponse(path_of(hub, made.snapshot), 303, {"cache-control": "no-store"})
    language = language_of(request)
    choice = pages.GatewayChoice(made.gateway.name, made.gateway.capabilities.title)
    html = pages.render_form_page(
        made.snapshot, language, form=made.form, gateway=choice, site=site_of(hub)
    )
    return page_answer(html, language, 200, [_origin(made.form.action)])


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
