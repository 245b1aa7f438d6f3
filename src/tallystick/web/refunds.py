"""Refunds over HTTP: ask for one, read them, and work through the list of transfers by hand."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Amount, Instant
from tallystick.domain.money import LARGEST_MINOR
from tallystick.domain.refund import Refund, RefundSignal, RefundSource, RefundState
from tallystick.domain.vietqr import BANKS, VietQR
from tallystick.flows import request_refund as flow
from tallystick.flows.hub import Hub
from tallystick.flows.request_refund import Payee, RefundWish, Told
from tallystick.web import shapes
from tallystick.web.auth import Caller
from tallystick.web.bodies import Body, Parsed, body, described
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating, listing
from tallystick.web.idempotency import created, once_only
from tallystick.web.lists import page_of
from tallystick.web.pages import qr
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["refunds"])
_FILTERS: Final = {"state": "state", "gateway": "gateway", "method": "method", "source": "source",
                   "paymentId": "payment_id"}  # fmt: skip
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "state": tuple(RefundState),
    "method": ("api", "manual"),
    "source": tuple(RefundSource),
}


class RefundTransferAnswer(Amount):
    """What a person transfers to whom, ready to scan where the bank app can."""

    bankBin: str | None
    bankName: str | None
    accountNumber: str | None
    accountName: str | None
    qrCode: str | None
    qrCodeSvg: str | None
    content: str
    instructions: str


class RefundLine(TypedDict):
    """One move of a refund, and why."""

    at: Instant
    before: RefundState
    signal: RefundSignal
    after: RefundState
    why: str


class RefundAnswer(Amount):
    """A refund as its merchant sees it."""

    id: str
    paymentId: str
    state: RefundState
    source: RefundSource
    method: Literal["api", "manual"]
    gateway: str
    transactionId: str
    providerId: str | None
    reason: str
    keepAccess: bool
    failure: str | None
    bankReference: str | None
    requestedBy: str
    transfer: RefundTransferAnswer | None
    createdAt: Instant
    updatedAt: Instant
    closedAt: Instant | None
    nextCheckAt: Instant | None
    history: list[RefundLine]


class Account(Body):
    """The payer's bank account, for a transfer back by hand."""

    bank_bin: str = Field(pattern="^[0-9]{6}$", description="The bank's six digits (NAPAS).")
    account_number: str = Field(pattern="^[0-9A-Za-z]{1,19}$")
    account_name: str | None = Field(default=None, min_length=1, max_length=100)


class CreateRefund(Body):
    """How much goes back, and why. Without `amount` all that can."""

    amount: int | None = Field(default=None, gt=0, le=LARGEST_MINOR, description="Minor units.")
    currency: str | None = Field(default=None, min_length=3, max_length=3)
    reason: str = Field(default="", max_length=500)
    keep_access: bool = False
    transaction_id: str | None = Field(default=None, min_length=1, max_length=200)
    account: Account | None = None


class CloseRefund(Body):
    """The transfer back has been made."""

    bank_reference: str = Field(min_length=1, max_length=100, pattern=r"^[!-~][ -~]*$")


CreateBody = Annotated[Parsed[CreateRefund], Depends(body(CreateRefund))]
CloseBody = Annotated[Parsed[CloseRefund], Depends(body(CloseRefund))]


@router.post(
    "/api/payments/{payment_id}/refunds", status_code=201, openapi_extra=creating(CreateRefund),
    summary="Give money of a payment back", responses=answers(one("Refund"), 201),
)  # fmt: skip
async def create(
    request: Request, payment_id: str, hub: HubDep, who: LimitedCaller, parsed: CreateBody
) -> Response:
    """Reserved first, so that no more goes back than came. A link's id does for the payment's."""
    return await _create(request, hub, who, payment_id, parsed)


@router.post(
    "/api/orders/{order_id}/refunds", status_code=201, openapi_extra=creating(CreateRefund),
    summary="Give money of an order back", responses=answers(one("Refund"), 201),
)  # fmt: skip
async def create_for_order(
    request: Request, order_id: str, hub: HubDep, who: LimitedCaller, parsed: CreateBody
) -> Response:
    """The payment behind the order is found by its id."""
    return await _create(request, hub, who, order_id, parsed)


async def _create(
    request: Request, hub: Hub, who: Caller, product_id: str, parsed: Parsed[CreateRefund]
) -> Response:
    who.needs("operator")
    wished = parsed.value
    given = wished.account
    wish = RefundWish(
        amount=wished.amount,
        currency=wished.currency,
        reason=wished.reason,
        keep_access=wished.keep_access,
        transaction_id=wished.transaction_id,
        payee=None
        if given is None
        else Payee(given.bank_bin, given.account_number, given.account_name),
        actor=who.name,
    )
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: flow.request(hub, product_id, wish),
        lambda told: created({"data": shape(told)}),
        resume=lambda refund_id: flow.answered(hub, refund_id),
    )


@router.get(
    "/api/refunds", summary="List refunds, newest first", responses=answers(several("Refund")),
    openapi_extra=listing(gateway="", paymentId="", **_WORDS),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: state, method, source, gateway, paymentId, createdAfter, createdBefore.

    `state=manual` is the list of transfers that somebody has to make by hand.
    """
    who.needs("reader")
    page = page_of(request, hub)
    filters = {column: request.query_params[name] for name, column in _FILTERS.items()
               if name in request.query_params}  # fmt: skip
    found = await flow.listing(
        hub, filters=filters, span=page.span, after=page.after, limit=page.limit
    )
    return page.answer(found, shape, lambda told: (told.refund.created_at, told.refund.id))


@router.get(
    "/api/refunds/{refund_id}", summary="Read a refund", responses=answers(one("Refund"))
)  # fmt: skip
async def show(refund_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """With its history; one by hand says what to transfer to whom."""
    who.needs("reader")
    return {"data": shape(await flow.show(hub, refund_id))}


@router.post(
    "/api/refunds/{refund_id}/close", openapi_extra=described(CloseRefund),
    summary="Note that the transfer back was made", responses=answers(one("Refund")),
)  # fmt: skip
async def close(
    refund_id: str, hub: HubDep, who: LimitedCaller, parsed: CloseBody
) -> dict[str, Any]:
    """The bank's reference proves it; the same again changes nothing."""
    who.needs("operator")
    reference = parsed.value.bank_reference.strip()
    return {"data": shape(await flow.close(hub, refund_id, reference, who.name))}


@router.post(
    "/api/refunds/{refund_id}/cancel", summary="Take a refund back",
    responses=answers(one("Refund")),
)  # fmt: skip
async def cancel(refund_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Only before anybody was told to make it. Safe to repeat; 409 afterwards."""
    who.needs("operator")
    return {"data": shape(await flow.cancel(hub, refund_id, who.name))}


def shape(told: Told) -> RefundAnswer:
    """A refund as its merchant sees it."""
    refund = told.refund
    return {
        "id": refund.id,
        "paymentId": refund.payment_id,
        "state": refund.state,
        "source": refund.source,
        "method": refund.method,
        "gateway": refund.gateway,
        "transactionId": refund.transaction_id,
        "providerId": refund.provider_id,
        "amount": refund.amount,
        "currency": refund.currency,
        "reason": refund.reason,
        "keepAccess": refund.keep_access,
        "failure": refund.failure,
        "bankReference": refund.bank_reference,
        "transfer": _transfer(refund, told.payee) if refund.method == "manual" else None,
        "requestedBy": refund.requested_by,
        "createdAt": shapes.instant(refund.created_at),
        "updatedAt": shapes.instant(refund.updated_at),
        "closedAt": shapes.instant(refund.closed_at),
        "nextCheckAt": shapes.instant(refund.next_check_at),
        "history": [
            {
                "at": shapes.instant(line.at),
                "before": line.before,
                "signal": line.signal,
                "after": line.after,
                "why": line.why,
            }
            for line in told.history
        ],
    }


def _transfer(refund: Refund, payee: Payee | None) -> RefundTransferAnswer:
    """What a person transfers to whom, ready to scan where the bank app can."""
    code = _code(refund, payee)
    drawn = None if code is None else qr.draw(code)
    return {
        "amount": refund.amount,
        "currency": refund.currency,
        "content": refund.memo,
        "bankBin": None if payee is None else payee.bank_bin,
        "bankName": None if payee is None else BANKS.get(payee.bank_bin),
        "accountNumber": None if payee is None else payee.account_number,
        "accountName": None if payee is None else payee.account_name,
        "qrCode": code,
        "qrCodeSvg": None if drawn is None else str(drawn),
        "instructions": _instructions(refund, payee),
    }


def _code(refund: Refund, payee: Payee | None) -> str | None:
    if payee is None or refund.currency != "VND":
        return None
    return VietQR(payee.bank_bin, payee.account_number, refund.amount, refund.memo).payload()


def _instructions(refund: Refund, payee: Payee | None) -> str:
    whom = (
        f"to whoever paid transaction {refund.transaction_id} (ask the payer for the account)"
        if payee is None
        else f"to {payee.account_name or 'the payer'}, account {payee.account_number} at "
        f"{BANKS.get(payee.bank_bin, payee.bank_bin)}"
    )
    return (
        f"Transfer {refund.money} {whom}, with the content {refund.memo}. Then close the refund "
        "with the bank's reference."
    )
