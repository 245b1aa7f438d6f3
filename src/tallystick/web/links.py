"""Payment links over HTTP, in the shapes of the replaced payment-link service."""

from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from tallystick.domain.errors import NotFound
from tallystick.domain.link import LINK_STATUS, LinkStatus
from tallystick.domain.money import Money
from tallystick.domain.snapshot import Snapshot
from tallystick.flows import cancel as cancel_flow
from tallystick.flows import look_up
from tallystick.flows.checkout import Wish, create_link, open_link
from tallystick.flows.hub import Hub
from tallystick.web import shapes
from tallystick.web.bodies import Parsed, body
from tallystick.web.depends import (
    CallerDep,
    HubDep,
    LimitedCaller,
    spend_polling,
)
from tallystick.web.description import NOT_MODIFIED, answers, creating, listing
from tallystick.web.idempotency import created, once_only
from tallystick.web.lists import page_of
from tallystick.web.payments import Offer, tolerance
from tallystick.web.schema_parts import one, several
from tallystick.web.status import answer_status

router = APIRouter(tags=["payment links"])


class CreateLink(Offer):
    """A link that anybody who has it can pay, once."""

    description: str = Field(max_length=500)
    gateways: list[str] | None = Field(default=None, min_length=1, max_length=20)
    draft: bool = False


@router.post(
    "/api/payment-links", status_code=201, openapi_extra=creating(CreateLink),
    summary="Make a payment link", responses=answers(one("PaymentLink"), 201),
)  # fmt: skip
async def create(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[CreateLink], Depends(body(CreateLink))],
) -> Response:
    """Answers 201 with the link. Nothing starts at a gateway until a payer chooses one."""
    who.needs("operator")
    wished = parsed.value
    wish = Wish(
        amount=Money(wished.amount, wished.currency),
        gateways=tuple(dict.fromkeys(wished.gateways or ())),
        purpose="payment_link",
        description=wished.description,
        return_url=wished.return_url,
        expires_in=timedelta(seconds=wished.expires_in),
        metadata=wished.metadata,
        draft=wished.draft,
        late_policy=wished.late_policy,
        tolerance=tolerance(wished.underpayment_tolerance),
    )
    base_url = hub.settings.base_url

    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: create_link(hub, wish),
        lambda snapshot: created({"data": shapes.link(snapshot, base_url)}),
    )


@router.get(
    "/api/payment-links", summary="List payment links, newest first",
    responses=answers(several("PaymentLink")), openapi_extra=listing(currentStatus=LinkStatus),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: currentStatus, createdAfter, createdBefore."""
    who.needs("reader")
    page = page_of(request, hub)
    phases = _phases(request.query_params.get("currentStatus"))
    found = await look_up.links_page(hub, phases, page.span, page.after, page.limit)
    return page.answer(
        found,
        lambda one: shapes.link(one, hub.settings.base_url),
        lambda one: (one.created_at, one.id),
    )


@router.get(
    "/api/payment-links/{link_id}", summary="Read a payment link",
    responses=answers(one("PaymentLink")),
)  # fmt: skip
async def show(link_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """For the merchant; payers read the status or the page."""
    who.needs("reader")
    return {"data": shapes.link(await find(hub, link_id), hub.settings.base_url)}


@router.post(
    "/api/payment-links/{link_id}/open", summary="Open a draft",
    responses=answers(one("PaymentLink")),
)  # fmt: skip
async def open_draft(link_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """DRAFT becomes OPEN. Safe to repeat; 409 where the link is over."""
    who.needs("operator")
    snapshot = await open_link(hub, (await find(hub, link_id)).id)
    return {"data": shapes.link(snapshot, hub.settings.base_url)}


@router.post(
    "/api/payment-links/{link_id}/cancel", summary="Cancel a link",
    responses=answers(one("PaymentLink")),
)  # fmt: skip
async def cancel(link_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Safe to repeat. 409 where money is there or on its way."""
    who.needs("operator")
    snapshot = await cancel_flow.cancel(hub, (await find(hub, link_id)).id)
    return {"data": shapes.link(snapshot, hub.settings.base_url)}


@router.get(
    "/api/payment-links/{link_id}/status", summary="The live status of a link",
    responses=answers(one("PaymentLinkStatus")) | NOT_MODIFIED,
)  # fmt: skip
async def status(request: Request, link_id: str, hub: HubDep, who: CallerDep) -> Response:
    """Public; transaction ids only with a key, the client token or the pay page's cookie."""
    snapshot = await find(hub, link_id)
    await spend_polling(request, who, snapshot.id)
    identified = who.opens(snapshot)

    def view(one: Snapshot) -> str:
        return ("i" if identified else "") + ("x" if hub.now() >= one.expires_at else "")

    return await answer_status(request, hub, who, snapshot, partial(_status, hub, identified), view)


def _status(hub: Hub, identified: bool, snapshot: Snapshot) -> shapes.PaymentLinkStatusAnswer:
    return shapes.link_status(snapshot, hub.now(), identified=identified)


async def find(hub: Hub, link_id: str) -> Snapshot:
    """The payment behind a link, by the link's id or short code. Raises NotFound."""
    known = await look_up.link(hub, link_id)
    if known is None:
        raise NotFound("There is no payment link with this id.")
    return known


def _phases(status_word: str | None) -> list[str]:
    return [phase for phase, word in LINK_STATUS.items() if word == status_word]
