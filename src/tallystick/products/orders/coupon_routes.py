"""Coupons over HTTP, for the merchant: make, list, read and end them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator, model_validator

from tallystick.domain.errors import Invalid, NotFound
from tallystick.domain.ids import new_id
from tallystick.flows.hub import Hub
from tallystick.products.orders import look_up
from tallystick.products.orders.answers import CouponAnswer
from tallystick.products.orders.change_coupons import add_coupon, end_coupon
from tallystick.products.orders.coupon import Coupon, CouponType, normal_code
from tallystick.web import shapes
from tallystick.web.bodies import Body, Parsed, amounts, body
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating, listing
from tallystick.web.idempotency import created, once_only
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["coupons"])
_MOST: Final = 1_000_000_000


class CreateCoupon(Body):
    """What it takes off, how often, for whom and until when."""

    code: str = Field(min_length=1, max_length=64, description="Capitals do not matter.")
    type: Literal["percent", "fixed"]
    percent: int | None = Field(default=None, ge=1, le=100)
    amounts: dict[str, int] | None = Field(
        default=None, min_length=1, max_length=50,
        description="Whole minor units per ISO 4217 currency.",
    )  # fmt: skip
    max_redemptions: int | None = Field(default=None, ge=1, le=_MOST)
    per_customer: int | None = Field(default=None, ge=1, le=_MOST)
    expires_at: str | None = Field(default=None, max_length=40, description="RFC 3339.")
    polar_discount_id: str | None = Field(default=None, min_length=1, max_length=100)

    @field_validator("code")
    @classmethod
    def _usable_code(cls, value: str) -> str:
        code = normal_code(value)
        if not code:
            raise ValueError("has 3 to 64 letters, digits, - and _, and begins with none of these")
        return code

    @field_validator("amounts")
    @classmethod
    def _sane_amounts(cls, value: dict[str, int] | None) -> dict[str, int] | None:
        return None if value is None else amounts(value)

    @model_validator(mode="after")
    def _fits_its_type(self) -> "CreateCoupon":
        percent = self.type == "percent"
        if percent != (self.percent is not None) or percent == (self.amounts is not None):
            raise ValueError("a percent coupon has percent, a fixed one has amounts, and no other")
        return self


@router.post(
    "/api/coupons", status_code=201, openapi_extra=creating(CreateCoupon),
    summary="Make a coupon", responses=answers(one("Coupon"), 201),
)  # fmt: skip
async def create(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[CreateCoupon], Depends(body(CreateCoupon, "admin"))],
) -> Response:
    """409 where the code is taken."""
    who.needs("admin")
    coupon = _coupon(hub, parsed.value)
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: add_coupon(hub, coupon),
        lambda made: created({"data": shown(made)}),
    )


@router.get(
    "/api/coupons", summary="List coupons, newest first", responses=answers(several("Coupon")),
    openapi_extra=listing(code=""),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: code, createdAfter, createdBefore."""
    who.needs("reader")
    page = page_of(request, hub)
    code = request.query_params.get("code")
    found = await look_up.coupons(hub, code, page.span, page.after, page.limit)
    return page.answer(found, shown, lambda one: (one.created_at, one.id))


@router.get("/api/coupons/{coupon_id}", summary="Read a coupon", responses=answers(one("Coupon")))
async def show(coupon_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """By its id or its code, with its counters."""
    who.needs("reader")
    return {"data": shown(await _found(hub, coupon_id))}


@router.post(
    "/api/coupons/{coupon_id}/deactivate", summary="End a coupon", responses=answers(one("Coupon"))
)
async def end(coupon_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Nobody can use it any more; orders that hold it keep it. Safe to repeat."""
    who.needs("admin")
    return {"data": shown(await end_coupon(hub, (await _found(hub, coupon_id)).id))}


def shown(coupon: Coupon) -> CouponAnswer:
    """A coupon as its merchant sees it."""
    most = coupon.max_redemptions
    used = coupon.reserved + coupon.redeemed + coupon.elsewhere
    return {
        "id": coupon.id,
        "code": coupon.code,
        "type": coupon.type,
        "percent": coupon.percent,
        "amounts": dict(coupon.amounts) or None,
        "maxRedemptions": most,
        "perCustomer": coupon.per_customer,
        "reserved": coupon.reserved,
        "redeemed": coupon.redeemed,
        "redeemedElsewhere": coupon.elsewhere,
        "remaining": None if most is None else max(most - used, 0),
        "expiresAt": shapes.instant(coupon.expires_at),
        "active": coupon.active,
        "polarDiscountId": coupon.polar_discount_id,
        "polarOutcome": coupon.polar_outcome,
        "polarToldAt": shapes.instant(coupon.polar_told_at),
        "createdAt": shapes.instant(coupon.created_at),
        "updatedAt": shapes.instant(coupon.updated_at),
    }


def _coupon(hub: Hub, said: CreateCoupon) -> Coupon:
    now = hub.now()
    return Coupon(
        id=new_id("cpn", now), code=said.code, type=CouponType(said.type), percent=said.percent,
        amounts=said.amounts or {}, max_redemptions=said.max_redemptions,
        per_customer=said.per_customer, reserved=0, redeemed=0, elsewhere=0,
        expires_at=_ending(said.expires_at, now), active=True,
        polar_discount_id=said.polar_discount_id, polar_outcome=None, polar_told_at=None,
        created_at=now, updated_at=now,
    )  # fmt: skip


def _ending(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    words = "a time to come, such as 2030-01-31T17:00:00Z"
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None or at <= now:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"expiresAt is {words}.", (("expiresAt", f"is {words}"),)) from None


async def _found(hub: Hub, name: str) -> Coupon:
    found = await look_up.coupon(hub, name)
    if found is None:
        raise NotFound("There is no coupon with this id or code.")
    return found
