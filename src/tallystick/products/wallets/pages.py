"""The page where a wallet is topped up, for a user whom the merchant's app has sent there."""

import base64
import json
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from tallystick.domain.amount_limits import within
from tallystick.domain.errors import (
    AmountInvalid,
    Forbidden,
    HubError,
    Invalid,
    NotFound,
    Unauthenticated,
)
from tallystick.domain.money import Money, currencies
from tallystick.domain.sealing import derived, seal, unseal
from tallystick.domain.typed_amount import typed_amount
from tallystick.flows import poll
from tallystick.flows.hub import Hub
from tallystick.products.wallets import look_up
from tallystick.products.wallets.page_view import (
    WALLET,
    WalletView,
    render_topup,
    render_wallet,
    wallet_view,
    with_choices,
)
from tallystick.products.wallets.topup import TopupWish, find_topup, start_topup
from tallystick.web import pages
from tallystick.web.auth import COOKIE
from tallystick.web.bodies import LARGEST_BODY, read_limited
from tallystick.web.depends import CallerDep, HubDep, known_caller
from tallystick.web.description import PAGE_PROBLEMS, form_of, pages_of
from tallystick.web.pages import GatewayChoice, Visit, figures
from tallystick.web.payer import (
    language_of,
    page_answer,
    page_budget,
    problem_page,
    refuse_other_sites,
    remembering,
    site_of,
)

router = APIRouter(
    tags=["pay pages"], dependencies=[Depends(page_budget)], responses=PAGE_PROBLEMS,
    generate_unique_id_function=pages_of("wallet_page"),
)  # fmt: skip
SESSION: Final = "wallet"
LIFE: Final = timedelta(hours=1)
_PLACE: Final = "cookie/wallet"
# One for all of a browser's top-ups: the newest is the one that somebody looks at.
_TOKEN: Final = f"{COOKIE}topup"
_TOKEN_LIFE_S: Final = 7 * 86_400
_USUAL: Final = "VND"
_FEW: Final = 3


@router.get("/wallet/topup", response_class=HTMLResponse, summary="The page to top up a wallet")
async def show(request: Request, hub: HubDep, who: CallerDep) -> Response:
    """The form, for whoever has come with a JWT; else words that say how to come."""
    owner = who.owner or _owner_of(request, hub)
    return await _form(request, hub, owner, request.query_params.get("currency") or _USUAL)


@router.post(
    "/wallet/topup", status_code=303, response_class=HTMLResponse,
    summary="Open a wallet's page with a JWT", openapi_extra=form_of("token"),
)  # fmt: skip
async def enter(request: Request, hub: HubDep) -> Response:
    """Your app posts its JWT as the form field `token`; the browser gets a cookie for an hour.

    So no token is ever part of an address, where logs and histories would keep it.
    """
    try:
        owner = await _proven(request, _field(await _fields(request), "token"))
    except Unauthenticated as error:
        return _page(request, hub, WalletView(test_mode=hub.sandbox), error.status)
    response = _to(hub, WALLET)
    until = hub.clock.real_now() + LIFE
    response.set_cookie(
        SESSION, _sealed(hub, owner, until), max_age=int(LIFE.total_seconds()), httponly=True,
        samesite="lax", secure=hub.settings.secure, path=site_of(hub).root + "/wallet",
    )  # fmt: skip
    return response


@router.post(
    "/wallet/topup/start", status_code=303, response_class=HTMLResponse,
    summary="Start a top-up from its page",
    openapi_extra=form_of("amount", "currency", "gateway"),
)  # fmt: skip
async def start(request: Request, hub: HubDep) -> Response:
    """Answers 303 to the page where the top-up is paid; only for the page's own form."""
    refuse_other_sites(request, hub)
    owner = _owner_of(request, hub)
    if owner is None:
        return _page(request, hub, WalletView(test_mode=hub.sandbox), Forbidden.status)
    fields = await _fields(request)
    currency, typed = _field(fields, "currency"), _field(fields, "amount")
    try:
        amount = typed_amount(typed, currency)
    except AmountInvalid:
        return await _form(request, hub, owner, currency, typed)
    if not within(hub.settings.topup_limits, amount):
        return await _form(request, hub, owner, currency, typed, limited=True)
    wish = TopupWish(owner, amount, _field(fields, "gateway"))
    try:
        opened = await start_topup(hub, wish)
    except HubError as error:
        return problem_page(request, hub, error, WALLET)
    response = _to(hub, f"{WALLET}/{opened.sold}")
    response.set_cookie(
        _TOKEN, opened.token, max_age=_TOKEN_LIFE_S, httponly=True, samesite="lax",
        secure=hub.settings.secure,
    )  # fmt: skip
    return response


@router.get(
    "/wallet/topup/{tx_ref}", response_class=HTMLResponse,
    summary="The page of a top-up that was started",
)  # fmt: skip
async def started(request: Request, tx_ref: str, hub: HubDep, who: CallerDep) -> Response:
    """Where to pay, live, and what came of it; for its owner only."""
    if tx_ref == "start":
        # The form was answered with itself, and its language was changed.
        return _to(hub, f"{WALLET}?{request.url.query}")
    language = language_of(request)
    try:
        snapshot = await find_topup(hub, tx_ref)
        if not (who.opens(snapshot) or snapshot.owner_id == _owner_of(request, hub)):
            raise NotFound("There is no top-up with this id that you may see.")
    except NotFound as error:
        page = pages.render_not_found(language, site=site_of(hub))
        return page_answer(page, language, error.status)
    snapshot = await poll.fresher(hub, snapshot)
    notice = request.query_params.get("payment_error")
    visit = Visit(language=language, now=hub.now(), notice=notice)
    name = snapshot.gateway or ""
    title = hub.gateways[name].capabilities.title if name in hub.gateways else name
    page = render_topup(
        snapshot, tx_ref, visit, gateway=GatewayChoice(name, title), site=site_of(hub)
    )
    return remembering(request, hub, page_answer(page, language, 200), language)


async def _form(
    request: Request, hub: Hub, owner: str | None, currency: str, typed: str | None = None,
    *, limited: bool = False,
) -> Response:  # fmt: skip
    """The page as a form; 400 with what was typed where that is no amount, or beyond limits."""
    view = WalletView(test_mode=hub.sandbox)
    if owner is not None:
        view = await _view(hub, owner, currency, typed, language_of(request), limited=limited)
    return _page(request, hub, view, 200 if typed is None else 400)


def _page(request: Request, hub: Hub, view: WalletView, status: int) -> Response:
    language = language_of(request)
    page = render_wallet(view, language, site=site_of(hub))
    return remembering(request, hub, page_answer(page, language, status), language)


async def _view(
    hub: Hub, owner: str, currency: str, typed: str | None, language: pages.Language,
    *, limited: bool,
) -> WalletView:  # fmt: skip
    if currency not in currencies():
        raise Invalid("currency is an ISO 4217 code, such as VND.")
    held = await look_up.balances(hub, owner)
    view = wallet_view(owner, held, currency, language)
    kinds = [made.capabilities.currencies for made in hub.gateways.values()]
    # A card gateway takes a hundred currencies; nobody chooses from a hundred.
    known = {currency, *held, *(one for kind in kinds if len(kind) <= _FEW for one in kind)}
    choices = [
        GatewayChoice(name, made.capabilities.title)
        for name, made in hub.gateways.items()
        if made.capabilities.takes(Money(_plenty(view.example, currency), currency))
    ]
    limits = figures.limits(hub.settings.topup_limits, currency, language) if limited else None
    return with_choices(
        view, sorted(known), choices, typed=typed, limits=limits, test_mode=hub.sandbox
    )  # fmt: skip


def _plenty(example: str, currency: str) -> int:
    """An amount that every gateway takes which takes the currency at all."""
    return Money.parse(example, currency).minor


async def _fields(request: Request) -> dict[str, list[str]]:
    """A form's fields. Raises Invalid, TooLarge."""
    raw = await read_limited(request, LARGEST_BODY)
    try:
        return parse_qs(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=10)
    except ValueError as error:
        raise Invalid("The form cannot be read.") from error


def _field(fields: dict[str, list[str]], name: str) -> str:
    """Its one value. Raises Invalid."""
    values = fields.get(name, [])
    if len(values) != 1:
        raise Invalid(f"{name}: is required", ((name, "is required"),))
    return values[0]


async def _proven(request: Request, token: str) -> str:
    """Whose JWT this is, read like one in a header. Raises Unauthenticated."""
    proof = (b"authorization", b"Bearer " + token.strip().encode("utf-8", "replace"))
    asked = Request({**request.scope, "headers": [proof]})
    owner = (await known_caller(asked)).owner
    if owner is None:
        raise Unauthenticated("This is not a JWT of one of your users.")
    return owner


def _sealed(hub: Hub, owner: str, until: datetime) -> str:
    told = json.dumps([owner, until.timestamp()]).encode()
    return base64.urlsafe_b64encode(seal(derived(hub.secret, "cookies"), _PLACE, told)).decode()


def _owner_of(request: Request, hub: Hub) -> str | None:
    """Whose wallet this browser has open, or None."""
    try:
        sealed = base64.urlsafe_b64decode(request.cookies.get(SESSION, "").encode("ascii"))
        owner, until = json.loads(unseal(derived(hub.secret, "cookies"), _PLACE, sealed))
    except (ValueError, Invalid):
        return None
    return str(owner) if hub.clock.real_now().timestamp() < until else None


def _to(hub: Hub, path: str) -> RedirectResponse:
    return RedirectResponse(site_of(hub).root + path, 303, {"cache-control": "no-store"})
