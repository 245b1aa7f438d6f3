"""The operator's pages: what came in, what waits for a person, and the proof of each payment."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field
from typing_extensions import TypedDict

from tallystick import __version__
from tallystick.domain.answer_types import Instant, Shown
from tallystick.domain.errors import HubError, NotFound, Unauthenticated
from tallystick.domain.money import Money
from tallystick.domain.payment import Phase
from tallystick.flows import (
    cancel,
    dashboard_access,
    health,
    look_up,
    notices,
    poll,
    unmatched,
)
from tallystick.flows.health import Overview
from tallystick.flows.hub import Hub, found
from tallystick.flows.unmatched import Found
from tallystick.flows.why import why
from tallystick.web import pages, shapes
from tallystick.web.auth import Caller, session_cookie
from tallystick.web.bodies import Body, Parsed, body, described
from tallystick.web.depends import HubDep, LimitedCaller, count_stranger, cursor, cursor_place
from tallystick.web.description import answers, query
from tallystick.web.methods import asks_for_head
from tallystick.web.pages import Language
from tallystick.web.pages.figures import money
from tallystick.web.schema_parts import one

if TYPE_CHECKING:
    from jinja2 import Environment

router = APIRouter()
SHOWN: Final = 25
_TEMPLATES: Final = Path(__file__).parent / "templates"
_VIEWS: Final = ("", "review", *Phase)
_QUERY: Final = {"show": "One of the lists.", "q": "Sought.", "cursor": "Where to go on."}


class DashboardLinkAnswer(TypedDict):
    """An address that opens the dashboard once."""

    url: str
    role: Annotated[str, Shown(enum=["admin", "operator", "reader"])]
    expiresAt: Instant


class Invite(Body):
    """Who is to come in."""

    role: str = Field("operator", description="admin, operator or reader.")


@router.post(
    "/api/dashboard-links", status_code=201, tags=["operations"], openapi_extra=described(Invite),
    summary="Make a link that opens the dashboard once",
    responses=answers(one("DashboardLink"), 201),
)  # fmt: skip
async def invite(
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[Invite], Depends(body(Invite, "admin"))],
) -> dict[str, Any]:
    """For an admin. The link is good for an hour.

    The session that it begins ends after half an hour without use, and after half a day anyway.
    """
    who.needs("admin")
    token, until = await dashboard_access.invite(hub, parsed.value.role)
    told: DashboardLinkAnswer = {
        "url": address(hub.settings.base_url, token),
        "role": parsed.value.role,
        "expiresAt": shapes.instant(until),
    }
    return {"data": told}


def address(base_url: str, token: str) -> str:
    """Where a link leads."""
    return f"{base_url.rstrip('/')}/dashboard/enter?token={token}"


@router.get(
    "/dashboard/enter", include_in_schema=False, openapi_extra=query({"token": "From the link."})
)
async def enter(request: Request, hub: HubDep) -> Response:
    """The link is used up, and a session begins. Asking for the head alone uses nothing up.

    Only a wrong one is counted: a good one opens, whatever strangers at the same address have done.
    """
    if asks_for_head(request.scope):
        return Response(headers={"cache-control": "no-store"})
    try:
        key = await dashboard_access.enter(hub, request.query_params.get("token", ""))
    except Unauthenticated:
        await count_stranger(request)
        raise
    response = _welcome(request, hub)
    response.set_cookie(
        session_cookie(hub), key, max_age=int(dashboard_access.SESSION_LIFE.total_seconds()),
        httponly=True, samesite="strict", secure=hub.settings.secure,
    )  # fmt: skip
    return response


def _welcome(request: Request, hub: Hub) -> Response:
    """On to the dashboard.

    A strict cookie is not sent where another site began the way, as a link in a webmail's page
    does, and a redirect is part of that way. A page of ours begins a new one.
    """
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        html = _environment().get_template("dashboard_welcome.html").render(
            title="Signed in", role=None, **_frame(hub)
        )  # fmt: skip
        onward = {"refresh": f"0; url={_root(hub)}/dashboard"}
        return HTMLResponse(html, headers=pages.security_headers() | onward)
    return RedirectResponse(f"{_root(hub)}/dashboard", 303, {"cache-control": "no-store"})


@router.post("/dashboard/leave", include_in_schema=False)
async def leave(request: Request, hub: HubDep, who: LimitedCaller) -> Response:
    """The session is over, here and for whoever copied its cookie."""
    who.needs("reader")
    await dashboard_access.leave(hub, request.cookies.get(session_cookie(hub), ""))
    response = RedirectResponse(f"{_root(hub)}/docs", 303, {"cache-control": "no-store"})
    response.delete_cookie(session_cookie(hub), secure=hub.settings.secure, httponly=True)
    return response


@router.get("/dashboard", include_in_schema=False, openapi_extra=query(_QUERY))
async def home(request: Request, hub: HubDep, who: LimitedCaller) -> HTMLResponse:
    """The last day in figures, what waits for a person, and the newest payments."""
    who.needs("reader")
    view = request.query_params.get("show", "")
    if view not in _VIEWS:
        raise NotFound("There is no such list of payments.")
    sought = request.query_params.get("q", "").strip()[:100]
    place = cursor_place(hub, request)
    waiting = await unmatched.listing(
        hub, state="waiting", span=(None, None), after=None, limit=SHOWN
    )

    unreadable = await notices.listing(
        hub, filters={"state": "unreadable"}, span=(None, None), after=None, limit=SHOWN
    )

    seen = await health.last_day(hub)
    if sought:
        listed = await look_up.payments_named(hub, sought)
    else:
        listed = await look_up.payments_page(hub, _filters(view), (None, None), place, SHOWN)
    last = listed[SHOWN - 1] if listed[SHOWN:] else None
    return page_of(
        "dashboard.html", hub, who, title="Payments", seen=seen, found=listed[:SHOWN],
        more=None if last is None else cursor(hub, last.created_at, last.id),
        view=view, sought=sought, views=_VIEWS, waiting=[_row(one) for one in waiting],
        unreadable=unreadable[:SHOWN], gateways=_health(hub, seen),
    )  # fmt: skip


@router.get("/dashboard/payments/{payment_id}", include_in_schema=False)
async def show(payment_id: str, hub: HubDep, who: LimitedCaller) -> HTMLResponse:
    """One payment with the proof of its state: the evidence, in order, in sentences."""
    who.needs("reader")
    proof = await why(hub, payment_id)
    one = found(await look_up.payment(hub, payment_id))
    return page_of(
        "dashboard_payment.html", hub, who, title="Payment", one=one, proof=proof,
        received=Money(one.received_minor, one.due.currency),
        refunded=Money(one.refunded_minor, one.due.currency),
    )  # fmt: skip


@router.post("/dashboard/payments/{payment_id}/{action}", include_in_schema=False)
async def act(payment_id: str, action: str, hub: HubDep, who: LimitedCaller) -> Response:
    """Ask the gateway now, or cancel; then the payment's page again."""
    who.needs("operator")
    if action == "check":
        await poll.check(hub, payment_id)
    elif action == "cancel":
        await cancel.cancel(hub, payment_id)
    else:
        raise NotFound("A payment can be checked and canceled here.")
    return RedirectResponse(f"{_root(hub)}/dashboard/payments/{payment_id}", 303)


def refusal(request: Request, hub: Hub, error: HubError) -> Response:
    """What went wrong, as a page."""
    signed_out = error.status == 401 and not request.url.path.endswith("/enter")
    told = "You are not signed in, or your session is over." if signed_out else error.detail
    html = _environment().get_template("dashboard_problem.html").render(
        error=error, told=told, request_id=request.scope.get("request_id"), title=error.title,
        role=None, **_frame(hub),
    )  # fmt: skip
    return HTMLResponse(html, error.status, pages.security_headers())


def _filters(view: str) -> dict[str, str | None]:
    if view == "review":
        return {"review": None}
    return {"phase": view} if view else {}


def _row(one: Found) -> dict[str, Any]:
    kept = one.kept
    return {
        "id": kept.id, "gateway": kept.credit.gateway, "at": kept.heard_at,
        "amounts": amount(kept.credit.money), "memo": kept.credit.memo,
        "guesses": [guess.payment.id for guess in one.suggestions[:1]],
    }  # fmt: skip


def _health(hub: Hub, seen: Overview) -> list[dict[str, Any]]:
    return [
        {"title": one.capabilities.title, "name": name, "heard_at": seen.heard_at.get(name),
         "trouble": hub.gateway_errors.get(name)}
        for name, one in sorted(hub.gateways.items())
    ]  # fmt: skip


def amount(value: Money) -> str:
    """An amount as operators read it."""
    return money(value, Language.ENGLISH)


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"


@cache
def _environment(own: Path | None = None) -> "Environment":
    """The templates here, and before them those of a product's own folder."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader([_TEMPLATES] if own is None else [own, _TEMPLATES]),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        auto_reload=False,
    )  # fmt: skip
    made.filters |= {"amount": amount, "time": _time}
    return made


def _frame(hub: Hub) -> dict[str, Any]:
    root = _root(hub)
    return {"root": root, "version": __version__, "merchant": hub.settings.merchant_name,
            "asset": lambda name: root + pages.asset_path(name)}  # fmt: skip


def page_of(
    template: str, hub: Hub, who: Caller, *, own: Path | None = None, **values: Any
) -> HTMLResponse:
    """One of the operator's pages; `own` is a product's folder of templates."""
    html = (
        _environment(own)
        .get_template(template)
        .render(role=who.role, now=hub.now(), **_frame(hub), **values)
    )
    return HTMLResponse(html, headers=pages.security_headers())


def _root(hub: Hub) -> str:
    return urlsplit(hub.settings.base_url).path.rstrip("/")
