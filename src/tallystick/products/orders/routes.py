"""Orders over HTTP: buying, reading what was bought, and a person's decisions about it."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator

from tallystick.domain.access import USERNAME
from tallystick.domain.errors import Invalid, NotFound, Unauthenticated
from tallystick.domain.payment import LatePolicy
from tallystick.flows.checkout import Opened
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import Answer
from tallystick.products.orders import answers as order_shapes
from tallystick.products.orders import look_up
from tallystick.products.orders import ordering as flow
from tallystick.products.orders import set_access as access_flow
from tallystick.products.orders.answers import NewOrderAnswer, OrderForBuyersAnswer
from tallystick.products.orders.look_up import Bought
from tallystick.products.orders.ordering import OrderWish
from tallystick.products.orders.rules import Buyer, Order
from tallystick.web.auth import Caller
from tallystick.web.bodies import KNOWN, Body, Parsed, Reason, body, described, web_address
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating
from tallystick.web.idempotency import created, once_only
from tallystick.web.payments import Forgiven, Metadata, short_metadata, tolerance
from tallystick.web.schema_parts import one

router = APIRouter(tags=["orders"])
EMAIL: Final = r"^[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\]+\.[^\s@<>\"(),:;\[\]\\.]{2,}$"
MOST_AT_ONCE: Final = 10_000


class CreateOrder(Body):
    """What is bought, by whom, and how it is paid. What it costs is not the buyer's to say."""

    email: str = Field(max_length=254, pattern=EMAIL)
    product_type: str = Field(min_length=1, max_length=64)
    quantity: int = Field(default=1, ge=1, le=MOST_AT_ONCE)
    gateway: str = Field(min_length=1, max_length=40)
    currency: str | None = Field(default=None, min_length=3, max_length=3)
    coupon_code: str | None = Field(default=None, min_length=1, max_length=64)
    referral_code: str | None = Field(default=None, min_length=1, max_length=64)
    github_username: str | None = Field(default=None, min_length=1, max_length=39)
    vat_invoice_requested: bool = False
    tax_id: str | None = Field(default=None, min_length=1, max_length=50)
    team_id: str | None = Field(default=None, min_length=1, max_length=100)
    return_url: str | None = Field(default=None, max_length=2000)
    user_id: str | None = Field(default=None, min_length=1, max_length=200)
    metadata: Metadata = Field(default_factory=dict, max_length=50)
    underpayment_tolerance: Forgiven | None = None
    late_policy: LatePolicy | None = Field(default=None, strict=False)

    @field_validator("github_username")
    @classmethod
    def _usable_name(cls, value: str | None) -> str | None:
        return None if value is None else github_name(value)

    @field_validator("return_url")
    @classmethod
    def _checked_return(cls, value: str | None) -> str | None:
        return None if value is None else web_address(value)

    @field_validator("metadata")
    @classmethod
    def _short_metadata(cls, value: Metadata) -> Metadata:
        return short_metadata(value)


class Name(Body):
    """Whom to invite."""

    github_username: str = Field(min_length=1, max_length=39)

    @field_validator("github_username")
    @classmethod
    def _usable_name(cls, value: str) -> str:
        return github_name(value)


class Release(Body):
    """Why it is delivered all the same."""

    reason: Reason


class Revoke(Body):
    """Why it is taken back."""

    reason: Reason


def github_name(text: str) -> str:
    """A name that somebody can have at GitHub. Raises ValueError."""
    if not USERNAME.fullmatch(text):
        raise ValueError("is a GitHub user name: letters, digits and single hyphens inside")
    return text


@router.post(
    "/api/orders", status_code=201, openapi_extra=creating(CreateOrder), summary="Buy something",
    responses=answers(one("NewOrder"), 201),
)  # fmt: skip
async def create(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[CreateOrder], Depends(body(CreateOrder, None))],
) -> Response:
    """For everybody. Answers 201 with the order, how to pay it, and the buyer's client token."""
    wish = _wish(who, parsed.value)
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: flow.place_order(hub, wish),
        partial(_created, hub),
        resume=lambda payment_id: flow.resume_order(hub, payment_id),
    )


@router.get(
    "/api/orders/{order_id}", summary="Read an order", responses=answers(one("OrderForBuyers"))
)
async def show(
    order_id: str, response: Response, hub: HubDep, who: LimitedCaller
) -> dict[str, Any]:
    """With the licence once it is paid, for its buyer and for the merchant."""
    response.headers["cache-control"] = "no-store"
    return {"data": _shown(hub, who, await _seen(hub, who, order_id))}


@router.post(
    "/api/orders/{order_id}/access", summary="Say whom to invite",
    openapi_extra=described(Name), responses=answers(one("OrderForBuyers")),
)  # fmt: skip
async def name(
    order_id: str,
    response: Response,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[Name], Depends(body(Name, KNOWN))],
) -> dict[str, Any]:
    """For the buyer who gave no GitHub name, or one that nobody has."""
    response.headers["cache-control"] = "no-store"
    if who.role is not None:
        who.needs("operator")
    seen = await _seen(hub, who, order_id)
    await access_flow.name_user(hub, seen.order.id, parsed.value.github_username)
    return {"data": _shown(hub, who, await _seen(hub, who, order_id))}


@router.post(
    "/api/orders/{order_id}/release", summary="Deliver an order that is held",
    openapi_extra=described(Release), responses=answers(one("OrderForBuyers")),
)  # fmt: skip
async def release(
    order_id: str,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[Release], Depends(body(Release))],
) -> dict[str, Any]:
    """Its money came late, and its coupon was used up by others meanwhile; or refund it."""
    who.needs("operator")
    assert who.key_id is not None  # noqa: S101 - who has a role has a key
    done = await flow.release(hub, order_id, parsed.value.reason, who.key_id)
    return {"data": _shown(hub, who, await _seen(hub, who, done.id))}


@router.post(
    "/api/orders/{order_id}/revoke", summary="Take back what was free",
    openapi_extra=described(Revoke), responses=answers(one("OrderForBuyers")),
)  # fmt: skip
async def revoke(
    order_id: str,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[Revoke], Depends(body(Revoke))],
) -> dict[str, Any]:
    """Licence and access end, as with a refund; 409 where the order cost something."""
    who.needs("operator")
    assert who.key_id is not None  # noqa: S101 - who has a role has a key
    done = await flow.revoke(hub, order_id, parsed.value.reason, who.key_id)
    return {"data": _shown(hub, who, await _seen(hub, who, done.id))}


def _wish(who: Caller, said: CreateOrder) -> OrderWish:
    if who.role is not None:
        who.needs("operator")
    elif field := next((name for name, given in _merchants_own(said).items() if given), None):
        raise Invalid(f"{field} needs a secret key.", ((field, "needs a secret key"),))
    buyer = Buyer(
        who.owner or said.user_id, said.team_id, said.github_username,
        said.vat_invoice_requested,
    )  # fmt: skip
    return OrderWish(
        product_type=said.product_type, gateway=said.gateway, email=said.email, buyer=buyer,
        quantity=said.quantity,
        currency=said.currency, coupon_code=said.coupon_code, referral_code=said.referral_code,
        tax_id=said.tax_id, return_url=said.return_url, metadata=said.metadata,
        public=who.role is None,
        late_policy=said.late_policy, tolerance=tolerance(said.underpayment_tolerance),
    )  # fmt: skip


def _merchants_own(said: CreateOrder) -> dict[str, object]:
    """What is the merchant's to say, and not the buyer's."""
    return {
        "metadata": said.metadata, "userId": said.user_id, "latePolicy": said.late_policy,
        "underpaymentTolerance": said.underpayment_tolerance,
    }  # fmt: skip


def _created(hub: Hub, opened: Opened[Order]) -> Answer:
    told: NewOrderAnswer = {
        **order_shapes.new(hub, opened.sold, opened.snapshot),
        "clientToken": opened.token,
    }
    return created({"data": told})


def _shown(hub: Hub, who: Caller, found: Bought) -> OrderForBuyersAnswer:
    """What the caller may see of it: which transfers paid it is told to key holders alone."""
    return order_shapes.bought(hub, found, for_keys=who.role is not None)


async def _seen(hub: Hub, who: Caller, order_id: str) -> Bought:
    """The order with all that belongs to it. Raises Unauthenticated, NotFound."""
    if not who.known:
        raise Unauthenticated(
            "This needs a secret key, the order's client token or your app's JWT as Bearer."
        )
    found = await look_up.order(hub, order_id)
    if found is None or not who.opens(found.snapshot):
        raise NotFound("There is no order with this id that you may see.")
    return found
