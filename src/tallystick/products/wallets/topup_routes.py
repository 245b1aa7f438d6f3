"""Top-ups over HTTP, in the shapes of the replaced wallet."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator

from tallystick.domain.errors import Forbidden, Invalid, NotFound, Unauthenticated
from tallystick.domain.money import LARGEST_MINOR, Money
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.checkout import Opened
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import Answer
from tallystick.live.hub import Frame
from tallystick.products.wallets import answers as told
from tallystick.products.wallets.rules import TopupStatus
from tallystick.products.wallets.rules import tx_ref as checked_ref
from tallystick.products.wallets.topup import (
    TopupWish,
    find_topup,
    list_topups,
    resume_topup,
    start_topup,
)
from tallystick.web import shapes
from tallystick.web.auth import Caller
from tallystick.web.bodies import KNOWN, Body, Parsed, body, web_address
from tallystick.web.depends import (
    CallerDep,
    HubDep,
    LimitedCaller,
    spend_polling,
)
from tallystick.web.description import NOT_MODIFIED, answers, creating, listing
from tallystick.web.idempotency import created, once_only
from tallystick.web.lists import page_of
from tallystick.web.parts import Watch
from tallystick.web.schema_parts import one, several
from tallystick.web.status import answer_status

router = APIRouter(tags=["top-ups"])
QUERY: Final[dict[str, Any]] = {
    "parameters": [
        {"name": "tx_ref", "in": "query", "required": True, "schema": {"type": "string"},
         "description": "The top-up's own name, from the answer that started it."},
    ]
}  # fmt: skip
_STRANGER = "This needs your app's JWT, the top-up's client token or a secret key as Bearer."


class StartTopup(Body):
    """Money that is to be put into a wallet."""

    amount: int = Field(gt=0, le=LARGEST_MINOR, description="Whole minor units.")
    currency: str = Field(default="VND", min_length=3, max_length=3, description="ISO 4217.")
    gateway: str = Field(default="payos", min_length=1, max_length=40)
    return_url: str | None = Field(default=None, max_length=2000)
    owner_id: str | None = Field(
        default=None, min_length=1, max_length=200,
        description="Whose wallet; needed with a key, and a JWT's own sub otherwise.",
    )  # fmt: skip

    @field_validator("return_url")
    @classmethod
    def _checked_return(cls, value: str | None) -> str | None:
        return None if value is None else web_address(value)


@router.post(
    "/api/topup/init", status_code=201, openapi_extra=creating(StartTopup),
    summary="Start a top-up", responses=answers(one("StartedTopup"), 201),
)  # fmt: skip
async def init(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[StartTopup], Depends(body(StartTopup, KNOWN))],
) -> Response:
    """By the wallet's owner with a JWT, or by a key with the ownerId."""
    wished = parsed.value
    wish = TopupWish(
        owner_id=_wallet_of(who, wished.owner_id),
        amount=Money(wished.amount, wished.currency),
        gateway=wished.gateway,
        return_url=wished.return_url,
    )
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: start_topup(hub, wish),
        _started,
        resume=lambda payment_id: resume_topup(hub, payment_id),
    )


@router.get(
    "/api/topups", summary="List top-ups, newest first", responses=answers(several("TopupSummary")),
    openapi_extra=listing(ownerId="", status=TopupStatus),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: ownerId, status, createdAfter, createdBefore."""
    who.needs("reader")
    page, asked = page_of(request, hub), request.query_params
    found = await list_topups(
        hub, owner_id=asked.get("ownerId"), status=asked.get("status"), span=page.span,
        after=page.after, limit=page.limit,
    )  # fmt: skip
    return page.answer(
        found, lambda one: told.topup(*one), lambda one: (one[1].created_at, one[1].id)
    )


@router.get(
    "/api/topup/status", summary="The live status of a top-up",
    responses=answers(one("TopupStatus")) | NOT_MODIFIED,
    openapi_extra=QUERY,
)  # fmt: skip
async def status(request: Request, hub: HubDep, who: CallerDep) -> Response:
    """For the owner, the holder of the client token, and keys. With ETag and 304."""
    snapshot = await watched(hub, request, who)
    await spend_polling(request, who, snapshot.id)
    shape = partial(told.topup_status, tx_ref_of(request))
    return await answer_status(request, hub, who, snapshot, shape)


def tx_ref_of(request: Request) -> str:
    """The top-up that the query names. Raises Invalid."""
    return checked_ref(request.query_params.get("tx_ref"))


async def watched(hub: Hub, request: Request, who: Caller) -> Snapshot:
    """The payment of the top-up in the query, where the caller may see it.

    Raises Unauthenticated, Invalid, NotFound.
    """
    if not who.known:
        raise Unauthenticated(_STRANGER)
    snapshot = await find_topup(hub, tx_ref_of(request))
    if not who.opens(snapshot):
        raise NotFound("There is no top-up with this id that you may see.")
    return snapshot


def _wallet_of(who: Caller, wished: str | None) -> str:
    """Whose wallet is filled. Raises Unauthenticated, Forbidden, Invalid."""
    if who.owner is not None:
        if wished not in {None, who.owner}:
            raise Forbidden("Your token is for your own wallet; leave ownerId out.")
        return who.owner
    who.needs("operator")
    if wished is None:
        raise Invalid("ownerId: is required with a key", (("ownerId", "is required with a key"),))
    return wished


def _started(opened: Opened[str]) -> Answer:
    return created({"data": told.started_topup(opened.sold, opened.snapshot, opened.token)})


def _frame(request: Request) -> Frame:
    return partial(_written, tx_ref_of(request))


def _written(tx_ref: str, snapshot: Snapshot) -> bytes:
    data = shapes.encoded(told.topup_status(tx_ref, snapshot))
    return b"event: status-update\nid: %d\ndata: %b\n\n" % (snapshot.version, data)


WATCH: Final = Watch(
    "/api/topup/stream", "top-ups", "Follow a top-up live", QUERY["parameters"], watched, _frame,
    # What the replaced wallet's clients listen for: they turn to polling then.
    farewell=b'event: error\ndata: {"code":"unavailable",'
    b'"message":"The server stops; poll the status."}\n\n',
)  # fmt: skip
