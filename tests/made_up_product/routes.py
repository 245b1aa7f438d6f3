"""Donations over HTTP: give, and read what became of it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, Field

from tallystick.domain.mailbox import mail_address
from tallystick.domain.money import LARGEST_MINOR, Money
from tallystick.flows.checkout import Opened
from tallystick.flows.idempotency import Answer
from tallystick.web.bodies import Body, Parsed, body
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating
from tallystick.web.idempotency import created, once_only
from tallystick.web.schema_parts import one
from tests.made_up_product import answers as told
from tests.made_up_product.give import DonationWish, email_of, find, give, resume

router = APIRouter(tags=["donations"])


class Give(Body):
    """How much somebody gives, and where the certificate goes."""

    amount: int = Field(gt=0, le=LARGEST_MINOR, description="Whole minor units.")
    currency: str = Field(default="VND", min_length=3, max_length=3, description="ISO 4217.")
    gateway: str = Field(min_length=1, max_length=40)
    email: Annotated[str, Field(max_length=254), AfterValidator(mail_address)]
    language: Literal["en", "vi"] = "en"


@router.post(
    "/api/donations", status_code=201, openapi_extra=creating(Give), summary="Give",
    responses=answers(one("StartedDonation"), 201),
)  # fmt: skip
async def create(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[Give], Depends(body(Give))],
) -> Response:
    """Answers 201 with what to pay; there is no certificate before it is paid."""
    wished = parsed.value
    amount = Money(wished.amount, wished.currency)
    wish = DonationWish(amount, wished.gateway, wished.email, wished.language)
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: give(hub, wish),
        _answer,
        resume=lambda payment_id: resume(hub, payment_id),
    )


@router.get(
    "/api/donations/{donation_id}", summary="Read a donation", responses=answers(one("Donation"))
)
async def show(donation_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """With its certificate, once it is paid."""
    who.needs("reader")
    found = await find(hub, donation_id)
    return {"data": told.donation(found, email_of(hub, found))}


def _answer(opened: Opened[str]) -> Answer:
    return created({"data": told.started(opened.sold, opened.snapshot, opened.token)})
