"""The pages on which somebody buys a gift card: form, wait, code."""

import re
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from tallystick.domain.errors import GatewayNotOffered, HubError, Invalid, NotFound
from tallystick.domain.ids import is_id
from tallystick.domain.mailbox import mail_address
from tallystick.domain.money import Money
from tallystick.domain.offered_amounts import sums
from tallystick.domain.payment import Phase
from tallystick.domain.typed_amount import typed_amount
from tallystick.flows import poll
from tallystick.flows.hub import Hub
from tallystick.products.gift_cards import cards
from tallystick.products.gift_cards.page_view import (
    SHOP,
    Bought,
    Form,
    render_gift_form,
    render_gift_page,
)
from tallystick.web import pages
from tallystick.web.bodies import LARGEST_BODY, read_limited
from tallystick.web.depends import CallerDep, HubDep, count
from tallystick.web.description import PAGE_PROBLEMS, form_of, pages_of
from tallystick.web.pages import GatewayChoice, Visit, figures
from tallystick.web.pages.language import words
from tallystick.web.payer import (
    language_of,
    page_answer,
    page_budget,
    problem_page,
    refuse_other_sites,
    remembering,
    set_token,
    site_of,
)

router = APIRouter(
    tags=["pay pages"], dependencies=[Depends(page_budget)], responses=PAGE_PROBLEMS,
    generate_unique_id_function=pages_of("gift_pages"),
)  # fmt: skip
_CURRENCY: Final = re.compile("[A-Z]{3}")
_FIELDS: Final = ("email", "amount", "currency", "gateway")


class _Wrong(Exception):
    """A field of the form cannot be used as it is."""

    def __init__(self, field: str, limits: tuple[str, str] | None = None) -> None:
        super().__init__(field)
        self.field = field
        self.limits = limits


@router.get("/gift-cards", response_class=HTMLResponse, summary="Buy a gift card")
async def form(request: Request, hub: HubDep) -> Response:
    """The form. Nothing starts anywhere before it is sent."""
    currency = next(iter(_currencies(hub)), "VND")
    page = _form(request, hub, Form(currency=currency, offered=_offered(hub)), 200)
    return remembering(request, hub, page, language_of(request))


@router.post(
    "/gift-cards", status_code=303, summary="Send the form of a gift card",
    openapi_extra=form_of(*_FIELDS), response_class=HTMLResponse,
)  # fmt: skip
async def buy(request: Request, hub: HubDep, who: CallerDep) -> Response:
    """Answers 303 to the page of the card, with the cookie that opens it."""
    refuse_other_sites(request, hub)
    await count(request, "anonymous", who.name)
    given = _fields(await read_limited(request, LARGEST_BODY))
    typed = Form(given["email"], given["amount"], given["currency"], offered=_offered(hub))
    try:
        sale = _sale(request, hub, given)
        told = words(language_of(request))("gift.description")
        opened = await sale.open(None, told)
    except _Wrong as wrong:
        wrongly = replace(typed, wrong=wrong.field, limits=wrong.limits)
        return _form(request, hub, wrongly, 400)
    except GatewayNotOffered:
        notice = words(language_of(request))("gift.not_offered")
        return _form(request, hub, replace(typed, notice=notice), 400)
    except HubError as error:
        return problem_page(request, hub, error, SHOP)
    here = f"{site_of(hub).root}{SHOP}/{opened.sold}"
    response = RedirectResponse(here, 303, {"cache-control": "no-store"})
    set_token(response, hub, opened.sold, opened.token)
    return response


@router.get("/gift-cards/{card_id}", response_class=HTMLResponse, summary="A gift card's page")
async def show(request: Request, card_id: str, hub: HubDep, who: CallerDep) -> Response:
    """For the browser that bought it: pay, wait, and the code. Everybody else finds nothing."""
    language = language_of(request)
    snapshot = await cards.bought(hub, card_id) if is_id("gc", card_id) else None
    if snapshot is None or snapshot.id not in who.payments:
        missing = pages.render_not_found(language, site=site_of(hub))
        return page_answer(missing, language, NotFound.status)
    fresh = await poll.fresher(hub, snapshot)
    card = await cards.card_of(hub, fresh.id)
    assert card is not None  # noqa: S101 - it was found by its id a moment ago
    code = cards.code_of(hub, card) if fresh.phase is Phase.PAID else None
    html = render_gift_page(
        fresh,
        Bought(card_id, code, cards.email_of(hub, card)),
        Visit(language=language, now=hub.now()),
        gateways=[choice for choice in _choices(hub) if choice.name == fresh.gateway],
        site=site_of(hub),
    )
    return remembering(request, hub, page_answer(html, language, 200), language)


def _form(request: Request, hub: Hub, typed: Form, status: int) -> Response:
    language = language_of(request)
    sold = typed.offered or not hub.settings.gift_card_amounts
    choices = _choices(hub) if sold else []
    html = render_gift_form(
        language, typed, choices, site=site_of(hub), currencies=_currencies(hub),
        test_mode=hub.sandbox,
    )  # fmt: skip
    return page_answer(html, language, status)


def _fields(raw: bytes) -> dict[str, str]:
    try:
        found = parse_qs(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=10)
    except ValueError as error:
        raise Invalid("The form cannot be read.") from error
    return {name: (found.get(name) or [""])[0].strip()[:300] for name in _FIELDS}


def _sale(request: Request, hub: Hub, given: dict[str, str]) -> cards.Sale:
    """What the form wishes. Raises _Wrong with the field, GatewayNotOffered."""
    try:
        email = mail_address(given["email"])
    except ValueError:
        raise _Wrong("email") from None
    amount, limits = _amount(given), hub.settings.gift_card_limits
    try:
        cards.check_amount(hub, amount)
    except Invalid:
        shown = figures.limits(limits, amount.currency, language_of(request))
        raise _Wrong("amount", shown) from None
    return cards.Sale(hub, amount, given["gateway"], email, language_of(request))


def _amount(given: dict[str, str]) -> Money:
    """What was typed in the currency that was chosen; what is on offer names its own, "20 USD"."""
    figure, _, currency = given["amount"].rpartition(" ")
    try:
        if figure and _CURRENCY.fullmatch(currency):
            return typed_amount(figure, currency)
        return typed_amount(given["amount"], given["currency"])
    except Invalid:
        raise _Wrong("amount") from None


def _offered(hub: Hub) -> tuple[Money, ...]:
    """The amounts on offer that some gateway takes the currency of."""
    taken = _currencies(hub)
    return tuple(one for one in sums(hub.settings.gift_card_amounts) if one.currency in taken)


def _choices(hub: Hub) -> list[GatewayChoice]:
    """All gateways, the replaced gift-card page's own first."""
    names = sorted(hub.gateways, key=lambda name: (name != "onepay", name))
    return [GatewayChoice(name, hub.gateways[name].capabilities.title) for name in names]


def _currencies(hub: Hub) -> list[str]:
    """What the gateways take, dong first where they do."""
    taken = {one for gateway in hub.gateways.values() for one in gateway.capabilities.currencies}
    return sorted(taken, key=lambda currency: (currency != "VND", currency)) or ["VND"]
