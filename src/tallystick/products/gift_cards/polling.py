"""The two routes that the replaced gift-card page polls until its card is paid, in its shapes."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from tallystick.domain.errors import Invalid, NotFound
from tallystick.domain.payment import Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.flows import poll
from tallystick.flows.hub import Hub
from tallystick.products.gift_cards import answers as gift_shapes
from tallystick.products.gift_cards import cards
from tallystick.web import problems, shapes
from tallystick.web.auth import Caller
from tallystick.web.bodies import LARGEST_BODY, Body, checked, described, read_limited
from tallystick.web.depends import CallerDep, HubDep, count, spend_polling
from tallystick.web.description import Responses, answers
from tallystick.web.schema_parts import ref

router = APIRouter(tags=["gift cards"])
_BAD: Final = {"error": "Invalid request"}
_REFUSED: Final[Responses] = {
    400: {
        "description": "A bad body, in the words of old; or a problem.",
        "content": {
            "application/json": {"schema": ref("OldRefusal")},
            problems.MEDIA_TYPE: {"schema": ref("Problem")},
        },
    }
}


class OrderName(Body):
    """The gateway's name for the order, as the sale told it."""

    one_pay_order_id: str = Field(min_length=1, max_length=128, alias="onePayOrderId")


@router.post(
    "/checkGiftCardPayment", openapi_extra=described(OrderName),
    summary="Whether a gift card is paid, and its code",
    responses=answers(ref("GiftCardPayment")) | _REFUSED,
)  # fmt: skip
async def check_gift_card(request: Request, hub: HubDep, who: CallerDep) -> Response:
    """The code and the e-mail only once it is paid, with its client token or a key; else status."""
    try:
        name = await _order_name(request)
    except Invalid:
        return _json(_BAD, 400)
    snapshot = await cards.ordered(hub, name)
    if snapshot is None or snapshot.purpose != "gift_card":
        await _count_stranger(request, who)
        return _json({"status": "PENDING", "message": "Gift card not found in system"})
    return _json(await _payment(hub, who, await _fresh(request, hub, who, snapshot)))


@router.post(
    "/checkOnePayOrderStatus", openapi_extra=described(OrderName),
    summary="The status of one of our orders", responses=answers(ref("GiftCardOrder")) | _REFUSED,
)  # fmt: skip
async def check_order(request: Request, hub: HubDep, who: CallerDep) -> Response:
    """In OnePay's words, for orders of ours only; others are not asked about anywhere."""
    try:
        name = await _order_name(request)
    except Invalid:
        return _json(_BAD, 400)
    snapshot = await cards.ordered(hub, name)
    if snapshot is None:
        await _count_stranger(request, who)
        raise NotFound("There is no order with this onePayOrderId.")
    fresh = await _fresh(request, hub, who, snapshot)
    status = gift_shapes.gateway_status(fresh)
    told: gift_shapes.GiftCardOrderAnswer = {
        "orderId": name, "status": status, "amount": fresh.due.minor,
    }  # fmt: skip
    return _json(told)


async def _order_name(request: Request) -> str:
    raw = await read_limited(request, LARGEST_BODY)
    name = checked(OrderName, raw).one_pay_order_id
    if not name.isprintable():
        raise Invalid("onePayOrderId: is printable text")
    return name


async def _fresh(request: Request, hub: Hub, who: Caller, snapshot: Snapshot) -> Snapshot:
    await spend_polling(request, who, snapshot.id)
    return await poll.fresher(hub, snapshot)


async def _payment(hub: Hub, who: Caller, snapshot: Snapshot) -> gift_shapes.GiftCardPaymentAnswer:
    if snapshot.phase is not Phase.PAID:
        return {"status": gift_shapes.gateway_status(snapshot)}
    card = await cards.card_of(hub, snapshot.id)
    code = None if card is None else cards.code_of(hub, card)
    # A key that may only read the books does not get at the money in them.
    if card is None or not who.opens(snapshot) or who.role == "reader":
        return {"status": "PAID"}
    if code is None:
        return {"status": "REFUNDED"}
    email = cards.email_of(hub, card)
    return {"status": "PAID", "code": code, "amount": card.amount, "email": email}


async def _count_stranger(request: Request, who: Caller) -> None:
    await count(request, "anonymous" if who.key_id is None else "key", who.name)


def _json(answer: Mapping[str, Any], status: int = 200) -> Response:
    return Response(
        shapes.encoded(answer), status, {"cache-control": "no-store"}, "application/json"
    )
