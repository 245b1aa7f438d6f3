"""Referrers and commissions over HTTP."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator

from tallystick.domain.exchange import BASE
from tallystick.products.revenue import refer as flow
from tallystick.products.revenue.answers import CommissionAnswer, ReferrerAnswer
from tallystick.products.revenue.commission_rows import Entry
from tallystick.products.revenue.refer import Known
from tallystick.products.revenue.referral import (
    CommissionStatus,
    LineKind,
    next_step,
    rate_of,
    step_of,
    told,
)
from tallystick.web import shapes, tables
from tallystick.web.bodies import Body, Parsed, body
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating, listing, text_answer
from tallystick.web.idempotency import created, once_only
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["referrals"])
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]+\.[^\s@\x00-\x1f\x7f]+")
_FILTERS: Final = {"status": "status", "referrerId": "referrer_id", "orderId": "order_id"}
_COMMISSIONS: Final = listing(status=CommissionStatus, referrerId="", orderId="")
_COLUMNS: Final = (
    "id", "orderId", "referrerId", "orderAmount", "orderCurrency", "commissionRate",
    "commissionPercent",
    "commissionAmount", "commissionCurrency", "orderAmountUsdCents", "commissionAmountUsdCents",
    "exchangeRate", "exchangeRateSource", "exchangeRateAt", "clawedBackAmount", "paidOutAmount",
    "status", "createdAt", "updatedAt", "approvedAt", "paidAt", "cancelledAt",
)  # fmt: skip


class CreateReferrer(Body):
    """Who refers, by which code, and what buyers get for using it."""

    email: str = Field(min_length=3, max_length=254)
    code: str = Field(min_length=3, max_length=40)
    buyer_discount_percent: int = Field(default=0, ge=0, le=100)

    @field_validator("email")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if not _EMAIL.fullmatch(value.strip()):
            raise ValueError("is an e-mail address such as linh@example.com")
        return value.strip()


@router.post(
    "/api/referrers", status_code=201, openapi_extra=creating(CreateReferrer),
    summary="Make a referrer", responses=answers(one("Referrer"), 201),
)  # fmt: skip
async def create(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[CreateReferrer], Depends(body(CreateReferrer, "admin"))],
) -> Response:
    """409 where the code or the address is another's. Codes are compared in capitals."""
    who.needs("admin")
    wished = parsed.value
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: flow.create(hub, wished.email, wished.code, wished.buyer_discount_percent),
        lambda known: created({"data": _shape(known)}),
    )


@router.get(
    "/api/referrers", summary="List referrers, newest first", openapi_extra=listing(),
    responses=answers(several("Referrer")),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Each with tier, revenue and balance."""
    who.needs("reader")
    page = page_of(request, hub)
    found = await flow.listing(hub, page.span, page.after, page.limit)
    return page.answer(found, _shape, lambda known: (known.referrer.created_at, known.referrer.id))


@router.get(
    "/api/referrers/{referrer_id}", summary="Read a referrer",
    responses=answers(one("Referrer")),
)  # fmt: skip
async def show(referrer_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """With the tier by referred revenue, and what you owe, less what is to come back."""
    who.needs("reader")
    return {"data": _shape(await flow.show(hub, referrer_id))}


@router.get(
    "/api/admin/commissions", summary="List commissions, newest first",
    openapi_extra=_COMMISSIONS,
    responses=answers(several("Commission")),
)  # fmt: skip
async def commissions(request: Request, hub: HubDep, who: LimitedCaller) -> Any:
    """Filters combine: status, referrerId, orderId, createdAfter, createdBefore. CSV by Accept."""
    who.needs("reader")
    page = page_of(request, hub)
    wanted = {column: request.query_params[name] for name, column in _FILTERS.items()
              if name in request.query_params}  # fmt: skip
    found = await flow.earned(hub, wanted, page.span, page.after, page.limit)
    if tables.wants_csv(request):
        rows = [_row(entry) for entry in found[: page.limit]]
        return tables.csv_answer("commissions.csv", _COLUMNS, rows)
    return page.answer(
        found, _row, lambda entry: (entry.commission.created_at, entry.commission.id)
    )


@router.get(
    "/api/admin/commissions.csv", summary="The same as CSV", response_class=Response,
    openapi_extra=_COMMISSIONS, responses=text_answer("text/csv"),
)  # fmt: skip
async def commissions_csv(request: Request, hub: HubDep, who: LimitedCaller) -> Any:
    """The same filters and rows."""
    return await commissions(request, hub, who)


@router.post(
    "/api/admin/commissions/{commission_id}/approve", summary="Approve a commission",
    responses=answers(one("Commission")),
)  # fmt: skip
async def approve(commission_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Pending → approved. 409 in any other state."""
    who.needs("operator")
    return {"data": _row(await flow.approve(hub, commission_id))}


@router.post(
    "/api/admin/commissions/{commission_id}/pay", summary="Note that a commission is paid out",
    responses=answers(one("Commission")),
)  # fmt: skip
async def pay(commission_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Approved → paid. `paidOutAmount` is what to transfer: debts of the referrer are taken off."""
    who.needs("operator")
    return {"data": _row(await flow.pay(hub, commission_id))}


def _shape(known: Known) -> ReferrerAnswer:
    referrer, standing = known.referrer, known.standing
    step = step_of(standing.referred_usd_cents)
    above = next_step(step)
    return {
        "id": referrer.id,
        "email": known.email,
        "code": referrer.code,
        "buyerDiscountPercent": referrer.buyer_discount_percent,
        "tier": step.tier,
        **rate_of(step.percent),
        "revenue": standing.referred_usd_cents,
        "balance": sum(owed.usd_cents for owed in standing.balances.values()),
        "currency": BASE,
        "balances": {name: owed.minor for name, owed in standing.balances.items()},
        "nextTier": None if above is None else {"tier": above.tier, "from": above.from_usd_cents},
        "createdAt": shapes.instant(referrer.created_at),
    }


def _row(entry: Entry) -> CommissionAnswer:
    def moved(kind: LineKind) -> int:
        return sum(-line.amount.minor for line, _ in entry.lines if line.kind is kind)

    is_over = entry.commission.status is CommissionStatus.CANCELLED
    return {
        **told(entry.commission),
        "clawedBackAmount": moved(LineKind.CLAWED_BACK),
        "paidOutAmount": moved(LineKind.PAID_OUT),
        "paidAt": shapes.instant(_last(entry, LineKind.PAID_OUT)),
        "cancelledAt": shapes.instant(_last(entry, LineKind.CLAWED_BACK)) if is_over else None,
        "lines": [
            {
                "kind": line.kind,
                "amount": line.amount.minor,
                "currency": line.amount.currency,
                "usdCents": line.usd_cents,
                "at": shapes.instant(at),
            }
            for line, at in entry.lines
        ],
    }


def _last(entry: Entry, kind: LineKind) -> datetime | None:
    """When the last line of this kind was written."""
    return max((at for line, at in entry.lines if line.kind is kind), default=None)
