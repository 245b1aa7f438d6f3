"""Wallets over HTTP: what is in them, what moved, and spending from them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from tallystick.domain.errors import NotFound, Unauthenticated
from tallystick.domain.money import LARGEST_MINOR, Money
from tallystick.products.wallets import answers as told
from tallystick.products.wallets import look_up
from tallystick.products.wallets.spend_wallet import spend
from tallystick.products.wallets.topup import LONGEST_OWNER
from tallystick.web.auth import Caller
from tallystick.web.bodies import Body, Parsed, body
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating, listing
from tallystick.web.idempotency import created, once_only
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["wallets"])


class SpendFromWallet(Body):
    """Money that is to be taken from a wallet."""

    amount: int = Field(gt=0, le=LARGEST_MINOR, description="Whole minor units.")
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217, upper case.")
    reference: str = Field(
        min_length=1, max_length=100, description="Your own name for it; spent once."
    )


@router.get(
    "/api/wallets/{owner_id}", summary="What is in a wallet", responses=answers(one("Wallet"))
)
async def show(owner_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Per currency, in minor units. For keys, and for its owner with a JWT."""
    _needs_sight(who, owner_id)
    return {"data": told.wallet(owner_id, await look_up.balances(hub, owner_id))}


@router.get(
    "/api/wallets/{owner_id}/entries", summary="What moved in a wallet, newest first",
    responses=answers(several("WalletEntry")), openapi_extra=listing(),
)  # fmt: skip
async def entries(
    request: Request, owner_id: str, hub: HubDep, who: LimitedCaller
) -> dict[str, Any]:
    """Each posting; `amount` is negative where money went out."""
    _needs_sight(who, owner_id)
    page = page_of(request, hub)

    found = await look_up.entries(hub, owner_id, page.span, page.after, page.limit)
    return page.answer(found, told.entry, lambda entry: (entry.created_at, entry.id))


@router.post(
    "/api/wallets/{owner_id}/spend", status_code=201, openapi_extra=creating(SpendFromWallet),
    summary="Take money from a wallet", responses=answers(one("Spend"), 201),
)  # fmt: skip
async def take(
    request: Request,
    owner_id: str,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[SpendFromWallet], Depends(body(SpendFromWallet))],
) -> Response:
    """Once for each reference. 409 where the wallet has less, or the reference took another sum."""
    who.needs("operator")
    if len(owner_id) > LONGEST_OWNER:
        raise NotFound("There is no wallet with this id that you may see.")
    wished = parsed.value
    amount = Money(wished.amount, wished.currency)
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: spend(hub, owner_id, amount, wished.reference),
        lambda taken: created({"data": told.spent(taken.spend)}, replayed=taken.repeated),
    )


def _needs_sight(who: Caller, owner_id: str) -> None:
    """Raises Unauthenticated, Forbidden, NotFound: a foreign wallet is like one that is not."""
    if who.role is not None:
        return who.needs("reader")
    if who.owner is None:
        raise Unauthenticated("This needs a secret key, or your app's JWT as Bearer.")
    if who.owner != owner_id:
        raise NotFound("There is no wallet with this id that you may see.")
    return None
