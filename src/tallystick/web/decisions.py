"""Decisions of a person over HTTP: accept, mark as paid, close, review; each with its reason."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from tallystick.domain.money import LARGEST_MINOR
from tallystick.domain.snapshot import Snapshot
from tallystick.flows import decide as flow
from tallystick.flows import look_up
from tallystick.flows.decide import Received, Why
from tallystick.flows.hub import Hub
from tallystick.web import shapes
from tallystick.web.auth import Caller
from tallystick.web.bodies import Body, Parsed, Reason, body, instant_of
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating
from tallystick.web.idempotency import created, once_only
from tallystick.web.schema_parts import one

router = APIRouter(tags=["payments"], responses=answers(one("Payment")))
_PRINTABLE: Final = r"^[!-~][ -~]*$"


class Decide(Body):
    """Why it is decided so."""

    reason: Reason


class MarkPaid(Decide):
    """What came another way: its amount, and the bank's (or the till's) reference of it."""

    amount: int = Field(gt=0, le=LARGEST_MINOR, description="Minor units of the payment's own.")
    bank_reference: str = Field(min_length=1, max_length=100, pattern=_PRINTABLE)
    received_at: str | None = Field(default=None, max_length=40, description="Now, if not given.")


class ClosePayment(Decide):
    """How it ends. `expired` is still paid by money that comes later, `canceled` is not."""

    as_: Literal["expired", "canceled"] = Field(alias="as")


AcceptBody = Annotated[Parsed[Decide], Depends(body(Decide))]
MarkPaidBody = Annotated[Parsed[MarkPaid], Depends(body(MarkPaid))]
CloseBody = Annotated[Parsed[ClosePayment], Depends(body(ClosePayment))]


@router.post(
    "/api/payments/{payment_id}/accept", openapi_extra=creating(Decide),
    summary="Say that what came is enough",
)  # fmt: skip
async def accept(
    request: Request, payment_id: str, hub: HubDep, who: LimitedCaller, parsed: AcceptBody
) -> Response:
    """It becomes paid and is delivered; amountState stays the truth. 409 where no money came."""
    return await _decided(request, hub, who, payment_id, parsed, flow.accept)


@router.post(
    "/api/payments/{payment_id}/mark-paid", openapi_extra=creating(MarkPaid),
    summary="Book money that no gateway tells of",
)  # fmt: skip
async def mark_paid(
    request: Request, payment_id: str, hub: HubDep, who: LimitedCaller, parsed: MarkPaidBody
) -> Response:
    """Cash, or another account. 409 names the payment that has the same bank reference."""
    wished = parsed.value
    at = _instant(wished.received_at)
    came = Received(wished.amount, wished.bank_reference.strip(), at)
    return await _decided(request, hub, who, payment_id, parsed, flow.mark_paid, came)


@router.post(
    "/api/payments/{payment_id}/close", openapi_extra=creating(ClosePayment),
    summary="End what is in flight for ever",
)  # fmt: skip
async def close(
    request: Request, payment_id: str, hub: HubDep, who: LimitedCaller, parsed: CloseBody
) -> Response:
    """Only what is processing; we go on listening for its money. 409 says what to do instead."""
    end = parsed.value.as_
    return await _decided(request, hub, who, payment_id, parsed, flow.close, end)


@router.post(
    "/api/payments/{payment_id}/review", openapi_extra=creating(Decide),
    summary="Say that somebody has looked",
)  # fmt: skip
async def review(
    request: Request, payment_id: str, hub: HubDep, who: LimitedCaller, parsed: AcceptBody
) -> Response:
    """The flag goes, the facts stay; what is new may raise it again. 409 where there is none."""
    return await _decided(request, hub, who, payment_id, parsed, flow.review)


async def _decided(
    request: Request,
    hub: Hub,
    who: Caller,
    payment_id: str,
    parsed: Parsed[Any],
    decide: Callable[..., Awaitable[Snapshot]],
    *what: object,
) -> Response:
    """Decide what was wished, with its reason, once for each Idempotency-Key."""
    known, why = await _seen(hub, who, payment_id), Why(parsed.value.reason, who.name)

    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: decide(hub, known.id, *what, why),
        lambda snapshot: created({"data": shapes.payment(snapshot)}, 200),
    )


async def _seen(hub: Hub, who: Caller, payment_id: str) -> Snapshot:
    """The payment that an operator decides about. Raises Forbidden, NotFound."""
    who.needs("operator")
    return who.needs_sight_of(await look_up.payment(hub, payment_id))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant_of("receivedAt", text)
