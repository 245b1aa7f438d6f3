"""Notices over HTTP: everything that gateways told, and reading it again."""

import base64
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Amount, Count, Instant, Notes
from tallystick.domain.answer_types import Shown as Words
from tallystick.flows import notices as flow
from tallystick.flows.notices import STATES, Listed, Shown
from tallystick.gateways.base import RawNotice
from tallystick.web import shapes
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, listing
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["notices"])
_FILTERS: Final = ("gateway", "state", "payment")


class NoticedTransfer(Amount):
    """A transfer that a notice tells of."""

    transactionId: str
    paidAt: Instant | None


class NoticeAnswer(TypedDict):
    """What a gateway told."""

    id: str
    state: Annotated[str, Words(enum=list(STATES))]
    gateway: str
    account: str
    eventId: str | None
    references: list[str]
    claim: str | None
    transactions: list[NoticedTransfer]
    memo: str | None
    paymentId: str | None
    problem: str | None
    tries: Count
    receivedAt: Instant
    nextTryAt: Instant | None
    handledAt: Instant | None
    digest: str | None


class RawBytes(TypedDict):
    """A notice as it came: `body` where it is text, `bodyBase64` always."""

    method: str
    headers: Notes
    query: str
    body: str | None
    bodyBase64: str


class NoticeWithBytesAnswer(NoticeAnswer):
    """The same, with its bytes for those who may see them."""

    rawKept: bool
    raw: RawBytes | None


@router.get(
    "/api/notices", summary="List what gateways told, newest first",
    openapi_extra=listing(gateway="", state=STATES, payment=""),
    responses=answers(several("Notice")),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: gateway, state, payment, createdAfter, createdBefore."""
    who.needs("reader")
    query = request.query_params
    page = page_of(request, hub)
    found = await flow.listing(
        hub,
        filters={name: query[name] for name in _FILTERS if name in query},
        span=page.span,
        after=None if page.after is None else page.after[1],
        limit=page.limit,
    )
    return page.answer(found, _row, lambda notice: (notice.received_at, notice.id))


@router.get(
    "/api/notices/{notice_id}", summary="Read one notice",
    responses=answers(one("NoticeWithBytes")),
)  # fmt: skip
async def show(notice_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """With `raw`, the bytes as they came, for an admin and as long as they are kept."""
    who.needs("reader")
    return {"data": _shape(await flow.show(hub, notice_id, raw=who.role == "admin"))}


@router.post(
    "/api/notices/{notice_id}/retry", summary="Read a notice again, and take it up now",
    responses=answers(one("NoticeWithBytes")),
)  # fmt: skip
async def retry(notice_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Its bytes are read as this version understands them. 409 where it has been handled."""
    who.needs("operator")
    return {"data": _shape(await flow.retry(hub, notice_id))}


def _row(notice: Listed) -> NoticeAnswer:
    return {
        "id": notice.id,
        "state": notice.state,
        "gateway": notice.gateway,
        "account": notice.account,
        "eventId": notice.event_id,
        "references": list(notice.refs),
        "claim": notice.claim,
        "transactions": [
            {"transactionId": credit.transaction_id, "amount": credit.minor,
             "currency": credit.currency, "paidAt": shapes.instant(credit.at)}
            for credit in notice.credits
        ],
        "memo": notice.memo,
        "paymentId": notice.payment_id,
        "problem": notice.error,
        "tries": notice.tries,
        "receivedAt": shapes.instant(notice.received_at),
        "nextTryAt": shapes.instant(notice.due_at),
        "handledAt": shapes.instant(notice.handled_at),
        "digest": notice.digest,
    }  # fmt: skip


def _shape(shown: Shown) -> NoticeWithBytesAnswer:
    raw = None if shown.raw is None else _raw(shown.raw)
    return {**_row(shown.notice), "rawKept": shown.kept, "raw": raw}


def _raw(raw: RawNotice) -> RawBytes:
    """Text where it is text; `bodyBase64` always has the very bytes."""
    try:
        text = raw.body.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "method": raw.method,
        "headers": dict(raw.headers),
        "query": raw.query,
        "body": text,
        "bodyBase64": base64.b64encode(raw.body).decode(),
    }
