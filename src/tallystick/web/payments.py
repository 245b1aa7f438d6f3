"""Payments over HTTP: create, list, read, check, cancel, status, stream and why."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator, model_validator

from tallystick.domain.money import LARGEST_MINOR, Money
from tallystick.domain.payment import AmountState, LatePolicy, Phase, Tolerance
from tallystick.flows import cancel as cancel_flow
from tallystick.flows import look_up, poll
from tallystick.flows.checkout import Opened, Wish, create_payment, resume_payment
from tallystick.flows.idempotency import Answer
from tallystick.flows.why import why
from tallystick.web import shapes
from tallystick.web.bodies import (
    Body,
    Parsed,
    body,
    web_address,
)
from tallystick.web.depends import (
    CallerDep,
    HubDep,
    LimitedCaller,
    spend_polling,
)
from tallystick.web.description import NOT_MODIFIED, answers, creating, listing
from tallystick.web.idempotency import created, once_only
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import one, several
from tallystick.web.status import answer_status

router = APIRouter(tags=["payments"])
Metadata = dict[str, str | int | bool]
LONGEST_OFFER_S: Final = 366 * 86_400
_FILTERS: Final = {"phase": "phase", "gateway": "gateway", "ownerId": "owner_id",
                   "reference": "reference", "amountState": "amount_state"}  # fmt: skip


def short_metadata(value: Metadata) -> Metadata:
    """Notes of a size that is kept. Raises ValueError."""
    if any(len(name) > 40 or len(str(one)) > 500 for name, one in value.items()):
        raise ValueError("has names of up to 40 and values of up to 500 characters")
    return value


class Forgiven(Body):
    """How much less than what is due still pays it: one of the two."""

    amount: int | None = Field(default=None, ge=0, le=LARGEST_MINOR, description="Minor units.")
    percent: int | Decimal | None = Field(default=None, description="Up to two decimals.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.amount is None) == (self.percent is None):
            raise ValueError("has either amount or percent")
        if self.percent is not None and not self._is_a_share(Decimal(self.percent)):
            raise ValueError("has a percent from 0 to less than 100, with up to two decimals")
        return self

    @staticmethod
    def _is_a_share(percent: Decimal) -> bool:
        return 0 <= percent < 100 and percent * 100 == int(percent * 100)

    def value(self) -> Tolerance:
        """As payments know it."""
        return Tolerance(self.amount or 0, int(Decimal(self.percent or 0) * 100))


def tolerance(given: Forgiven | None) -> Tolerance | None:
    """What was said of it, or None where the server's own setting holds."""
    return None if given is None else given.value()


class Offer(Body):
    """What every offer has: an amount, and how long and how it can be paid."""

    amount: int = Field(gt=0, le=LARGEST_MINOR, description="Whole minor units.")
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217, upper case.")
    return_url: str | None = Field(default=None, max_length=2000)
    expires_in: int = Field(default=86_400, ge=60, le=LONGEST_OFFER_S, description="Seconds.")
    metadata: Metadata = Field(default_factory=dict, max_length=50)
    underpayment_tolerance: Forgiven | None = None
    late_policy: LatePolicy | None = Field(default=None, strict=False)

    _short = field_validator("metadata")(short_metadata)

    @field_validator("return_url")
    @classmethod
    def _checked_return(cls, value: str | None) -> str | None:
        return None if value is None else web_address(value)


class CreatePayment(Offer):
    """One payment through one gateway."""

    gateway: str = Field(min_length=1, max_length=40)
    description: str = Field(default="", max_length=500)
    reference: str | None = Field(default=None, min_length=1, max_length=100)
    owner_id: str | None = Field(default=None, min_length=1, max_length=200)
    cancel_url: str | None = Field(default=None, max_length=2000)
    test_mode: bool = False

    @field_validator("cancel_url")
    @classmethod
    def _checked_cancel(cls, value: str | None) -> str | None:
        return None if value is None else web_address(value)


@router.post(
    "/api/payments", status_code=201, openapi_extra=creating(CreatePayment),
    summary="Open a payment at one gateway",
    responses=answers(one("Payment", clientToken={"type": "string"}), 201),
)  # fmt: skip
async def create(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[CreatePayment], Depends(body(CreatePayment))],
) -> Response:
    """Answers 201 with the payment and the payer's client token."""
    who.needs("operator")
    wished = parsed.value
    wish = Wish(
        amount=Money(wished.amount, wished.currency),
        gateways=(wished.gateway,),
        description=wished.description,
        reference=wished.reference,
        owner_id=wished.owner_id,
        return_url=wished.return_url,
        cancel_url=wished.cancel_url,
        expires_in=timedelta(seconds=wished.expires_in),
        metadata=wished.metadata,
        test_mode=wished.test_mode,
        late_policy=wished.late_policy,
        tolerance=tolerance(wished.underpayment_tolerance),
    )
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: create_payment(hub, wish),
        _created,
        resume=lambda payment_id: resume_payment(hub, payment_id, None),
    )


@router.get(
    "/api/payments", summary="List payments, newest first", responses=answers(several("Payment")),
    openapi_extra=listing(phase=Phase, amountState=AmountState, gateway="", ownerId="",
                          reference=""),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: phase, amountState, gateway, ownerId, reference, createdAfter, createdBefore."""
    who.needs("reader")
    page = page_of(request, hub)
    filters = {column: request.query_params[name] for name, column in _FILTERS.items()
               if name in request.query_params}  # fmt: skip
    found = await look_up.payments_page(hub, filters, page.span, page.after, page.limit)
    return page.answer(found, shapes.payment, lambda one: (one.created_at, one.id))


@router.get(
    "/api/payments/{payment_id}", summary="Read a payment",
    responses=answers(one("PaymentForPayers")),
)  # fmt: skip
async def show(payment_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """With the merchant's key in full; with the payer's token without the merchant's notes."""
    snapshot = who.needs_sight_of(await look_up.payment(hub, payment_id))
    shape = shapes.payment if who.role is not None else shapes.payer_payment
    return {"data": shape(snapshot)}


@router.post(
    "/api/payments/{payment_id}/check", summary="Ask the gateway now",
    responses=answers(one("PaymentForPayers")),
)  # fmt: skip
async def check(payment_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """At most one question to the gateway per payment in five seconds, whoever asks."""
    snapshot = who.needs_sight_of(await look_up.payment(hub, payment_id))
    fresh = await poll.check(hub, snapshot.id)
    shape = shapes.payment if who.role is not None else shapes.payer_payment
    return {"data": shape(fresh)}


@router.post(
    "/api/payments/{payment_id}/cancel", summary="Cancel an open payment",
    responses=answers(one("Payment")),
)  # fmt: skip
async def cancel(payment_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Safe to repeat. 409 where money is there or on its way."""
    who.needs("operator")
    snapshot = who.needs_sight_of(await look_up.payment(hub, payment_id))
    return {"data": shapes.payment(await cancel_flow.cancel(hub, snapshot.id))}


@router.get(
    "/api/payments/{payment_id}/status", summary="The live status of a payment",
    responses=answers(one("PaymentStatus")) | NOT_MODIFIED,
)  # fmt: skip
async def status(request: Request, payment_id: str, hub: HubDep, who: CallerDep) -> Response:
    """With ETag and 304. Asks the gateway first where our answer is older than five seconds.

    `Prefer: wait=5` with `If-None-Match` is answered when there is news, or after five seconds.
    """
    snapshot = who.needs_sight_of(await look_up.payment(hub, payment_id))
    await spend_polling(request, who, snapshot.id)
    return await answer_status(request, hub, who, snapshot, shapes.status)


@router.get(
    "/api/payments/{payment_id}/why", summary="Why the payment is where it is",
    responses=answers(one("Proof")),
)  # fmt: skip
async def proof(payment_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """The evidence, in order, in sentences; and what is due next."""
    who.needs("reader")
    snapshot = who.needs_sight_of(await look_up.payment(hub, payment_id))
    return {"data": shapes.proof(await why(hub, snapshot.id))}


def _created(opened: Opened[None]) -> Answer:
    return created({"data": shapes.payment(opened.snapshot), "clientToken": opened.token})
