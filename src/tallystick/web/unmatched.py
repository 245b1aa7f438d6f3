"""Unmatched money over HTTP: list it, and say what became of it, with a reason."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Amount, Instant, Minor, Number, Shown
from tallystick.domain.document import PaymentAnswer
from tallystick.domain.payment import Phase
from tallystick.flows import unmatched as flow
from tallystick.flows.unmatched import Decision, Found, Suggestion
from tallystick.web import shapes
from tallystick.web.bodies import Body, Parsed, Reason, body, described
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, listing
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["unmatched money"])
_STATES: Final = ("waiting", "decided", "all")


class SuggestedPayment(Amount):
    """A payment that it may be meant for."""

    paymentId: str
    phase: Phase
    received: Minor
    score: Number
    reasons: list[str]


class MoneyDecision(TypedDict):
    """What a person said became of it."""

    action: str
    reason: str
    by: str
    paymentId: str | None
    at: Instant


class UnmatchedMoneyAnswer(Amount):
    """Money without an owner."""

    id: str
    state: Annotated[str, Shown(enum=["waiting", "assigned", "refunded", "parked"])]
    gateway: str
    account: str
    transactionId: str
    memo: str | None
    at: Instant | None
    receivedAt: Instant
    counted: bool
    paymentId: str | None
    suggestions: list[SuggestedPayment]
    decisions: list[MoneyDecision]


class AssignedMoneyAnswer(UnmatchedMoneyAnswer):
    """The same, with the payment that it was credited to."""

    payment: PaymentAnswer


class Assign(Body):
    """Whose money it is."""

    payment_id: str = Field(max_length=40)
    reason: Reason


class Close(Body):
    """Why it is given back or left alone."""

    reason: Reason


AssignBody = Annotated[Parsed[Assign], Depends(body(Assign))]
CloseBody = Annotated[Parsed[Close], Depends(body(Close))]


@router.get(
    "/api/unmatched", summary="List money without an owner, newest first",
    openapi_extra=listing(state=_STATES), responses=answers(several("UnmatchedMoney")),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: state (waiting, decided, all), createdAfter, createdBefore."""
    who.needs("reader")
    page = page_of(request, hub)
    state = request.query_params.get("state", "waiting")
    found = await flow.listing(hub, state=state, span=page.span, after=page.after, limit=page.limit)
    return page.answer(found, _shape, lambda one: (one.kept.heard_at, one.kept.id))


@router.get(
    "/api/unmatched/{credit_id}", summary="Read money without an owner",
    responses=answers(one("UnmatchedMoney")),
)  # fmt: skip
async def show(credit_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """With ranked suggestions: by the distance of the memo, the amount and the time."""
    who.needs("reader")
    return {"data": _shape(await flow.show(hub, credit_id))}


@router.post(
    "/api/unmatched/{credit_id}/assign",
    openapi_extra=described(Assign),
    responses=answers(one("AssignedMoney")),
    summary="Credit it to a payment",
)
async def assign(
    credit_id: str, hub: HubDep, who: LimitedCaller, parsed: AssignBody
) -> dict[str, Any]:
    """On your word, with your reason. 409 where the transaction is credited already."""
    who.needs("operator")
    wished = parsed.value
    found, snapshot = await flow.assign(hub, credit_id, wished.payment_id, wished.reason, who.name)
    told: AssignedMoneyAnswer = {**_shape(found), "payment": shapes.payment(snapshot)}
    return {"data": told}


@router.post(
    "/api/unmatched/{credit_id}/refund",
    openapi_extra=described(Close),
    responses=answers(one("UnmatchedMoney")),
    summary="Note that it was given back by hand",
)
async def refund(
    credit_id: str, hub: HubDep, who: LimitedCaller, parsed: CloseBody
) -> dict[str, Any]:
    """We move no money here: you have sent it back, and say how in the reason."""
    who.needs("operator")
    found = await flow.close(hub, credit_id, "refunded", parsed.value.reason, who.name)
    return {"data": _shape(found)}


@router.post(
    "/api/unmatched/{credit_id}/park",
    openapi_extra=described(Close),
    responses=answers(one("UnmatchedMoney")),
    summary="Leave it alone for now",
)
async def park(
    credit_id: str, hub: HubDep, who: LimitedCaller, parsed: CloseBody
) -> dict[str, Any]:
    """It is not a payment, or not yet; it can still be assigned later."""
    who.needs("operator")
    found = await flow.close(hub, credit_id, "parked", parsed.value.reason, who.name)
    return {"data": _shape(found)}


def _shape(found: Found) -> UnmatchedMoneyAnswer:
    kept, money = found.kept, found.kept.credit
    return {
        "id": kept.id,
        "state": found.decisions[-1].action if found.decisions else "waiting",
        "gateway": money.gateway,
        "account": money.account,
        "transactionId": money.transaction_id,
        "amount": money.minor,
        "currency": money.currency,
        "memo": money.memo,
        "at": shapes.instant(money.at),
        "receivedAt": shapes.instant(kept.heard_at),
        "counted": kept.counted,
        "paymentId": kept.payment_id,
        "suggestions": [_suggestion(one) for one in found.suggestions],
        "decisions": [_decision(one) for one in found.decisions],
    }


def _suggestion(one: Suggestion) -> SuggestedPayment:
    return {
        "paymentId": one.payment.id,
        "phase": Phase(one.payment.phase),
        "amount": one.payment.amount,
        "received": one.payment.received,
        "currency": one.payment.currency,
        "score": one.match_score.score,
        "reasons": list(one.match_score.reasons),
    }


def _decision(one: Decision) -> MoneyDecision:
    return {
        "action": one.action,
        "reason": one.reason,
        "by": one.actor,
        "paymentId": one.payment_id,
        "at": shapes.instant(one.at),
    }
