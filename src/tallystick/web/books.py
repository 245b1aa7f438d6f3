"""The books over HTTP: what every account stands at, and the fees that gateways kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Amount, Currency
from tallystick.domain.money import LARGEST_MINOR, Money
from tallystick.flows import books as flow
from tallystick.flows.books import Fee
from tallystick.web.bodies import Body, Parsed, body
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating
from tallystick.web.idempotency import created, once_only
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["books"])


class BalanceAnswer(TypedDict):
    """What an account stands at: debit is positive, credit negative."""

    account: str
    currency: Currency
    balance: int


class BookedFeeAnswer(Amount):
    """What a gateway kept."""

    gateway: str
    reference: str


class BookFee(Body):
    """A fee as the gateway's statement or invoice has it."""

    gateway: str = Field(min_length=1, max_length=40)
    amount: int = Field(gt=0, le=LARGEST_MINOR, description="Whole minor units.")
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217, upper case.")
    reference: str = Field(
        min_length=1, max_length=100, description="The gateway's name for it; booked once."
    )


@router.get(
    "/api/books/balances", summary="What every account stands at",
    responses=answers(several("Balance")),
)  # fmt: skip
async def balances(hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Debit is positive, credit negative; every currency sums to zero. Wallets count as one."""
    who.needs("reader")
    found = await flow.balances(hub)
    rows: list[BalanceAnswer] = [
        {"account": account, "currency": currency, "balance": minor}
        for (account, currency), minor in sorted(found.items())
    ]
    return {
        "data": rows,
        "pagination": {"limit": max(len(rows), 1), "nextCursor": None, "hasMore": False},
    }


@router.post(
    "/api/books/fees", status_code=201, openapi_extra=creating(BookFee),
    summary="Book a fee that a gateway kept", responses=answers(one("BookedFee"), 201),
)  # fmt: skip
async def book_fee(
    request: Request, hub: HubDep, who: LimitedCaller,
    parsed: Annotated[Parsed[BookFee], Depends(body(BookFee))],
) -> Response:  # fmt: skip
    """Once for each of the gateway's references. 409 where it was booked with another amount."""
    who.needs("operator")
    wished = parsed.value
    fee = Fee(wished.gateway, wished.reference, Money(wished.amount, wished.currency))
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: flow.book_fee(hub, fee),
        lambda booked: created({"data": _fee(booked)}),
    )


def _fee(fee: Fee) -> BookedFeeAnswer:
    return {
        "gateway": fee.gateway,
        "amount": fee.amount.minor,
        "currency": fee.amount.currency,
        "reference": fee.reference,
    }
