"""Reconciliation over HTTP: compare with a gateway, list what differs, and resolve it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import Field, field_validator
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Count, Currency, Instant, Minor
from tallystick.domain.errors import Invalid
from tallystick.domain.reconciliation import Match
from tallystick.flows import reconcile as flow
from tallystick.flows.reconcile import Report, Shown
from tallystick.web import shapes
from tallystick.web.bodies import Body, Parsed, Reason, body, described
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, listing
from tallystick.web.lists import page_of
from tallystick.web.schema_parts import one, several

router = APIRouter(tags=["reconciliation"])
_STATES: Final = {"waiting": False, "resolved": True, "all": None}
_MATCHES: Final = tuple(match for match in Match if match is not Match.MATCHED)


class Resolved(TypedDict):
    """What a person said became of a difference."""

    reason: str
    by: str
    at: Instant


class DifferenceAnswer(TypedDict):
    """Where a gateway's books and ours differ."""

    id: str
    state: Literal["waiting", "resolved"]
    match: Match
    gateway: str
    account: str
    transactionId: str
    paymentId: str | None
    currency: Currency
    theirs: Minor | None
    ours: Minor | None
    booked: int | None
    theirsRefunded: Minor | None
    oursRefunded: Minor | None
    sentence: str
    reconciliationId: str
    createdAt: Instant
    decisions: list[Resolved]


class ReconciliationEnd(TypedDict):
    """What a run came to."""

    id: str
    gateway: str
    to: Instant
    matched: Count
    settled: Count
    differing: Count
    waiting: Count
    unheard: list[str]
    at: Instant
    differences: list[DifferenceAnswer]


class ReconciliationAnswer(ReconciliationEnd, TypedDict("ReconciliationStart", {"from": Instant})):
    """A run, with its differences."""


class Reconcile(Body):
    """Which gateway, and which span of time."""

    gateway: str = Field(min_length=1, max_length=40)
    since: str = Field(alias="from", max_length=40, description="A time such as 2026-11-20T00:00Z.")
    until: str = Field(alias="to", max_length=40)

    @field_validator("since", "until")
    @classmethod
    def _times(cls, value: str) -> str:
        try:
            known = datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            known = False
        if not known:
            raise ValueError("a time such as 2026-11-20T09:00:00Z")
        return value


class Resolve(Body):
    """What became of it."""

    reason: Reason


ReconcileBody = Annotated[Parsed[Reconcile], Depends(body(Reconcile))]
ResolveBody = Annotated[Parsed[Resolve], Depends(body(Resolve))]


@router.post(
    "/api/reconciliations", openapi_extra=described(Reconcile),
    summary="Compare a gateway's transactions with ours", responses=answers(one("Reconciliation")),
)  # fmt: skip
async def run(hub: HubDep, who: LimitedCaller, parsed: ReconcileBody) -> dict[str, Any]:
    """Asks the gateway now, and answers with all that differs in the span. Moves no money."""
    who.needs("operator")
    wished = parsed.value
    report = await flow.reconcile(hub, wished.gateway, _time(wished.since), _time(wished.until))
    return {"data": report_shape(report)}


@router.get(
    "/api/reconciliations", summary="List what differs, newest first",
    responses=answers(several("Difference")),
    openapi_extra=listing(state=tuple(_STATES), match=_MATCHES, gateway=""),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: state (waiting, resolved, all), match, gateway, createdAfter, createdBefore."""
    who.needs("reader")
    page = page_of(request, hub)
    query = request.query_params
    state = query.get("state", "waiting")
    filters = {name: query[name] for name in ("match", "gateway") if name in query}
    found = await flow.listing(
        hub,
        filters=filters,
        resolved=_STATES[state],
        span=page.span,
        after=page.after,
        limit=page.limit,
    )
    return page.answer(found, shape, lambda shown: (shown.found.created_at, shown.found.id))


@router.post(
    "/api/reconciliations/{difference_id}/resolve", openapi_extra=described(Resolve),
    summary="Say what became of a difference", responses=answers(one("Difference")),
)  # fmt: skip
async def resolve(
    difference_id: str, hub: HubDep, who: LimitedCaller, parsed: ResolveBody
) -> dict[str, Any]:
    """With a reason, once; it stays in the list of those that are resolved."""
    who.needs("operator")
    return {"data": shape(await flow.resolve(hub, difference_id, parsed.value.reason, who.name))}


def report_shape(report: Report) -> ReconciliationAnswer:
    """A run, with its differences."""
    done = report.run
    return {
        "id": done.id,
        "gateway": done.gateway,
        "from": shapes.instant(done.since),
        "to": shapes.instant(done.until),
        "matched": done.matched,
        "settled": done.healed,
        "differing": done.differing,
        "waiting": report.waiting,
        "unheard": list(report.unheard),
        "at": shapes.instant(done.at),
        "differences": [shape(one) for one in report.differences],
    }


def shape(shown: Shown) -> DifferenceAnswer:
    """A difference, and what was decided about it."""
    found, told = shown.found, shown.found.difference
    return {
        "id": found.id,
        "state": "resolved" if shown.decisions else "waiting",
        "match": told.match,
        "gateway": found.gateway,
        "account": found.account,
        "transactionId": told.transaction_id,
        "paymentId": told.payment_id,
        "currency": told.currency,
        "theirs": told.theirs,
        "ours": told.ours,
        "booked": told.booked,
        "theirsRefunded": told.theirs_refunded,
        "oursRefunded": told.ours_refunded,
        "sentence": told.sentence(),
        "reconciliationId": found.reconciliation_id,
        "createdAt": shapes.instant(found.created_at),
        "decisions": [
            {"reason": one.reason, "by": one.actor, "at": shapes.instant(one.at)}
            for one in shown.decisions
        ],
    }


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise Invalid("from and to are times such as 2026-11-20T09:00:00Z.") from None
