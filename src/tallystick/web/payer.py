"""The payer's pages: choose a gateway, pay, wait, and see what came of it."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field
from typing_extensions import TypedDict

from tallystick.domain.answer_types import Instant
from tallystick.domain.document import CheckoutAnswer
from tallystick.domain.errors import Forbidden, HubError, Invalid, NotFound, TooMany
from tallystick.domain.snapshot import Snapshot
from tallystick.flows import poll
from tallystick.flows.checkout import start_attempt
from tallystick.flows.hub import Hub
from tallystick.web import pages, shapes
from tallystick.web.auth import COOKIE, is_from_elsewhere
from tallystick.web.bodies import LARGEST_BODY, Body, checked, described, read_limited
from tallystick.web.depends import CallerDep, HubDep, count
from tallystick.web.description import PAGE_PROBLEMS, answers
from tallystick.web.embedding import origin_of
from tallystick.web.links import find
from tallystick.web.pages import GatewayChoice, Language, PageKind, Site, Visit
from tallystick.web.schema_parts import one


async def page_budget(request: Request, who: CallerDep) -> None:
    """Count a page view. Raises TooMany.

    A payer has a count of their own: a shop's Wi-Fi is one address for all who pay there.
    """
    if who.payments:
        await count(request, "payer_pages", f"{min(who.payments)}/{who.address}")
    else:
        await count(request, "pages", who.address)


router = APIRouter(tags=["pay pages"], dependencies=[Depends(page_budget)], responses=PAGE_PROBLEMS)
_COOKIE_LIFE_S: Final = 7 * 86_400
_FORM: Final = "application/x-www-form-urlencoded"


class StartedAttemptAnswer(TypedDict):
    """How the payer pays, and the token that shows them the rest."""

    paymentId: str
    attemptId: str | None
    gateway: str | None
    checkout: CheckoutAnswer
    expiresAt: Instant
    clientToken: str


class StartAttempt(Body):
    """The payer's choice."""

    gateway: str = Field(min_length=1, max_length=40)


@router.get("/pay/{short_code}", response_class=HTMLResponse, summary="The pay page")
async def pay(request: Request, short_code: str, hub: HubDep) -> Response:
    """Starts nothing at any gateway: mail scanners open links too."""
    return await _page(request, hub, short_code, PageKind.PAY)


@router.get("/pay/{short_code}/success", response_class=HTMLResponse, summary="Paid")
async def success(request: Request, short_code: str, hub: HubDep) -> Response:
    """Shows success only where the payment is paid; otherwise the true state."""
    return await _page(request, hub, short_code, PageKind.SUCCESS)


@router.get("/pay/{short_code}/expired", response_class=HTMLResponse, summary="Expired")
async def expired(request: Request, short_code: str, hub: HubDep) -> Response:
    """Shows the true state, like the others."""
    return await _page(request, hub, short_code, PageKind.EXPIRED)


@router.get("/pay/{short_code}/canceled", response_class=HTMLResponse, summary="Canceled")
async def canceled(request: Request, short_code: str, hub: HubDep) -> Response:
    """Shows the true state, like the others."""
    return await _page(request, hub, short_code, PageKind.CANCELED)


@router.post(
    "/pay/{short_code}/attempts", status_code=201, openapi_extra=described(StartAttempt),
    summary="Start paying at a gateway", responses=answers(one("StartedAttempt"), 201),
)  # fmt: skip
async def attempts(request: Request, short_code: str, hub: HubDep) -> Response:
    """A form answers 303 to the waiting page with its cookie; JSON answers 201."""
    is_form = request.headers.get("content-type", "").startswith(_FORM)
    if is_form or origin_of(request.scope) not in hub.settings.allowed_origins:
        refuse_other_sites(request, hub)
    raw = await read_limited(request, LARGEST_BODY)
    gateway = _form_field(raw) if is_form else checked(StartAttempt, raw).gateway
    snapshot = await find(hub, short_code)
    if not is_form:
        started, token = await start_attempt(hub, snapshot.id, gateway)
        return _attempt_answer(hub, started, token)
    try:
        started, token = await start_attempt(hub, snapshot.id, gateway)
    except HubError as error:
        return _problem_page(request, hub, error, snapshot)
    response = RedirectResponse(path_of(hub, started), 303, {"cache-control": "no-store"})
    _set_cookie(response, hub, started, token)
    return response


def refuse_other_sites(request: Request, hub: Hub) -> None:
    """Raises Forbidden for a form of another site."""
    if is_from_elsewhere(request, hub):
        raise Forbidden("A payment is started from its own page.")


def _attempt_answer(hub: Hub, started: Snapshot, token: str) -> Response:
    attempt = started.attempt
    answer: StartedAttemptAnswer = {
        "paymentId": started.id,
        "attemptId": None if attempt is None else attempt.id,
        "gateway": None if attempt is None else attempt.gateway,
        "checkout": shapes.checkout({} if attempt is None else attempt.checkout),
        "expiresAt": shapes.instant(started.expires_at),
        "clientToken": token,
    }
    response = Response(
        shapes.encoded({"data": answer}), 201, {"cache-control": "no-store"}, "application/json"
    )
    _set_cookie(response, hub, started, token)
    return response


def not_found_page(request: Request, hub: Hub) -> Response:
    """An address behind which there is no payment."""
    language = language_of(request)
    return page_answer(pages.render_not_found(language, site=site_of(hub)), language, 404)


async def _page(request: Request, hub: Hub, short_code: str, kind: PageKind) -> Response:
    language = language_of(request)
    try:
        snapshot = await poll.fresher(hub, await find(hub, short_code))
    except NotFound:
        return not_found_page(request, hub)
    notice = request.query_params.get("payment_error")
    visit = Visit(language=language, now=hub.now(), page=kind, notice=notice)
    choices = _choices(hub, snapshot)
    html = pages.render_pay_page(snapshot, visit, gateways=choices, site=site_of(hub))
    return remembering(request, hub, page_answer(html, language, 200), language)


def remembering(request: Request, hub: Hub, response: Response, language: Language) -> Response:
    """The same page, and the language that was chosen on it for the next."""
    if request.query_params.get(pages.QUERY) == language:
        response.set_cookie(
            pages.COOKIE, language, max_age=365 * 86_400, samesite="lax", secure=hub.settings.secure
        )
    return response


def language_of(request: Request) -> Language:
    """The language to answer this request in."""
    return pages.negotiate(
        request.headers.get("accept-language"),
        request.query_params.get(pages.QUERY),
        request.cookies.get(pages.COOKIE),
    )


def problem_page(request: Request, hub: Hub, error: HubError, back: str | None = None) -> Response:
    """An error for a person, in our own words."""
    language = language_of(request)
    html = pages.render_problem(
        language, site=site_of(hub), code=error.code, status=error.status, back=back,
        request_id=request.scope.get("request_id"),
    )  # fmt: skip
    response = page_answer(html, language, error.status)
    if isinstance(error, TooMany) and error.retry_after_s is not None:
        response.headers["retry-after"] = str(error.retry_after_s)
    return response


def _problem_page(request: Request, hub: Hub, error: HubError, snapshot: Snapshot) -> Response:
    code = "" if snapshot.link is None else snapshot.link.short_code
    return problem_page(request, hub, error, f"/pay/{code}")


def _choices(hub: Hub, snapshot: Snapshot) -> list[GatewayChoice]:
    names = () if snapshot.link is None else snapshot.link.gateways
    return [
        GatewayChoice(name, hub.gateways[name].capabilities.title)
        for name in names
        if name in hub.gateways and hub.gateways[name].capabilities.takes(snapshot.due)
    ]


def site_of(hub: Hub) -> Site:
    """What every page of this server has in common."""
    return Site(hub.settings.base_url, hub.settings.merchant_name)


def path_of(hub: Hub, snapshot: Snapshot) -> str:
    """The pay page of a link, below this server's host."""
    code = "" if snapshot.link is None else snapshot.link.short_code
    return f"{site_of(hub).root}/pay/{code}"


def page_answer(
    content: str, language: Language, status: int, form_actions: Iterable[str] = ("'self'",)
) -> Response:
    """A page with the headers that protect it; its forms lead to `form_actions` only."""
    headers = {**pages.security_headers(form_actions), **pages.language_headers(language)}
    return HTMLResponse(content, status, headers)


def _set_cookie(response: Response, hub: Hub, snapshot: Snapshot, token: str) -> None:
    set_token(response, hub, "" if snapshot.link is None else snapshot.link.short_code, token)


def set_token(response: Response, hub: Hub, name: str, token: str) -> None:
    """Let this browser, and no script in it, prove that the payment is its own."""
    response.set_cookie(
        f"{COOKIE}{name}", token, max_age=_COOKIE_LIFE_S, httponly=True, samesite="lax",
        secure=hub.settings.secure,
    )  # fmt: skip


def _form_field(raw: bytes) -> str:
    try:
        fields = parse_qs(raw.decode("utf-8"), max_num_fields=10, strict_parsing=bool(raw))
    except ValueError as error:
        raise Invalid("The form cannot be read.") from error
    values = fields.get("gateway", [])
    if len(values) != 1:
        raise Invalid("gateway: is required", (("gateway", "is required"),))
    return values[0]
