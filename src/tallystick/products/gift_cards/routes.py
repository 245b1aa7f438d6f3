"""Gift cards over HTTP: sold to anybody, and spent by the merchant who is shown the code."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, Field

from tallystick.domain.errors import NotFound, TooMany
from tallystick.domain.ids import is_id
from tallystick.domain.mailbox import mail_address
from tallystick.domain.money import LARGEST_MINOR, Money
from tallystick.flows.checkout import Opened
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import Answer
from tallystick.products.gift_cards import answers as gift_shapes
from tallystick.products.gift_cards import cards
from tallystick.products.gift_cards import spend_gift_card as spend
from tallystick.products.gift_cards.resend import resend as resend_letter
from tallystick.products.gift_cards.rules import Card, CardState
from tallystick.products.gift_cards.spend_gift_card import Spending
from tallystick.web import metrics, shapes
from tallystick.web.auth import Caller
from tallystick.web.bodies import Body, Parsed, body
from tallystick.web.depends import HubDep, LimitedCaller, count
from tallystick.web.description import answers, creating, listing
from tallystick.web.idempotency import created, once_only
from tallystick.web.limits import RateLimits
from tallystick.web.lists import page_of
from tallystick.web.pages.language import Language, negotiate, words
from tallystick.web.schema_parts import one, ref, several

router = APIRouter(tags=["gift cards"])
_FILTERS: Final = ("email", "payment", "order", "state")
LONGEST_HOLD_S: Final = 30 * 86_400
GUESSES: Final = "gift_card_guesses"
GUESSES_IN_ALL: Final = "gift_card_guesses_in_all"
Deliverable = Annotated[str, Field(max_length=254), AfterValidator(mail_address)]


class BuyGiftCard(Body):
    """A gift card, and where its code is sent to."""

    email: Deliverable = Field(description="Where the code goes once it is paid.")
    amount: int = Field(gt=0, le=LARGEST_MINOR, description="Whole minor units.")
    currency: str = Field(default="VND", min_length=3, max_length=3, description="ISO 4217.")
    gateway: str = Field(default="onepay", min_length=1, max_length=40)
    language: str | None = Field(
        default=None, pattern="^(en|vi|si|ta)$",
        description="Of the letter; else the request's Accept-Language.",
    )  # fmt: skip


class ResendGiftCard(Body):
    """Where the letter goes; to the buyer's address where nothing is said."""

    email: Deliverable | None = Field(
        default=None, description="Takes the place of the buyer's address."
    )


class Redeem(Body):
    """What to take from a card. `reference` is the merchant's own name for it, once per card."""

    amount: int = Field(gt=0, le=LARGEST_MINOR, description="Whole minor units.")
    reference: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    currency: str | None = Field(
        default=None, min_length=3, max_length=3, description="Refused where the card has another."
    )


class HoldPart(Redeem):
    """What to set aside, and for how long."""

    expires_in: int = Field(default=7 * 86_400, ge=60, le=LONGEST_HOLD_S, description="Seconds.")


class Capture(Body):
    """How much of a hold to spend; all of it where nothing is said."""

    amount: int | None = Field(default=None, gt=0, le=LARGEST_MINOR)


@router.post(
    "/api/gift-cards", status_code=201, openapi_extra=creating(BuyGiftCard),
    summary="Sell a gift card", responses=answers(ref("GiftCardSale"), 201),
)  # fmt: skip
async def create(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[BuyGiftCard], Depends(body(BuyGiftCard, None))],
) -> Response:
    """Open to anybody. Answers 201 with what to pay; there is no code before it is paid."""
    if who.role is not None:
        who.needs("operator")
    wished = parsed.value
    language = buyer_language(request, wished.language)
    amount = Money(wished.amount, wished.currency)
    sale = cards.Sale(hub, amount, wished.gateway, wished.email, language)

    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: sale.open(who.owner, words(language)("gift.description")),
        _sold,
        resume=lambda payment_id: cards.resume_sale(hub, payment_id),
    )


@router.get(
    "/api/gift-cards", summary="List gift cards, newest first",
    openapi_extra=listing(email="", payment="", order="", state=CardState),
    responses=answers(several("ListedGiftCard")),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters combine. `order` is the gateway's name for the order, or our `orderCode`."""
    who.needs("reader")
    page = page_of(request, hub)
    asked = {name: request.query_params.get(name) for name in _FILTERS}
    after, before = page.span
    search = cards.Search(**asked, created_after=after, created_before=before)
    found = await cards.listing(hub, search, page.after, page.limit)
    return page.answer(
        found,
        lambda one: gift_shapes.listed(one, cards.email_of(hub, one.card)),
        lambda one: (one.card.created_at, one.card.id),
    )


@router.get(
    "/api/gift-cards/{code}", summary="Read a gift card by its code or id",
    responses=answers(one("GiftCard")),
)  # fmt: skip
async def show(request: Request, code: str, hub: HubDep, who: LimitedCaller) -> Response:
    """Balance, status and history. Wrong codes are counted, per caller and in all."""
    who.needs("reader")
    found = await _by_code_or_id(request, hub, who, code)
    return _told(hub, await cards.statement(hub, found.id))


@router.post(
    "/api/gift-cards/{code}/redeem", openapi_extra=creating(Redeem), summary="Spend from a card",
    responses=answers(one("GiftCardRedemption")),
)  # fmt: skip
async def redeem(
    request: Request,
    code: str,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[Redeem], Depends(body(Redeem))],
) -> Response:
    """A part or all of it. The same reference and amount again gets the same answer."""
    who.needs("operator")
    found = await _by_code(request, hub, who, code)
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: spend.redeem(hub, found.id, _spending(parsed.value)),
        lambda done: created({"data": gift_shapes.redemption(found, done)}, 200),
        place=f"{found.id}/redeem",
    )


@router.post(
    "/api/gift-cards/{code}/freeze", summary="Freeze a card", responses=answers(one("GiftCard")),
)  # fmt: skip
async def freeze(request: Request, code: str, hub: HubDep, who: LimitedCaller) -> Response:
    """Nothing can be spent from it until it is unfrozen. Safe to repeat."""
    who.needs("operator")
    found = await _by_code_or_id(request, hub, who, code)
    return _told(hub, await cards.freeze(hub, found.id))


@router.post(
    "/api/gift-cards/{code}/unfreeze", summary="Unfreeze a card",
    responses=answers(one("GiftCard")),
)  # fmt: skip
async def unfreeze(request: Request, code: str, hub: HubDep, who: LimitedCaller) -> Response:
    """It can be spent again. Safe to repeat."""
    who.needs("operator")
    found = await _by_code_or_id(request, hub, who, code)
    return _told(hub, await cards.unfreeze(hub, found.id))


@router.post(
    "/api/gift-cards/{code}/resend", status_code=202, openapi_extra=creating(ResendGiftCard),
    summary="Send the letter with the code again", responses=answers(one("GiftCard"), 202),
)  # fmt: skip
async def resend(
    request: Request,
    code: str,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[ResendGiftCard], Depends(body(ResendGiftCard))],
) -> Response:
    """To the buyer's address, or to another one that takes its place. 409 where it is no use."""
    who.needs("operator")
    found = await _by_code_or_id(request, hub, who, code)
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: resend_letter(hub, found, parsed.value.email, who.name),
        lambda told: created({"data": _card(hub, told)}, 202),
        place=f"{found.id}/resend",
    )


@router.post(
    "/api/gift-cards/{code}/holds", status_code=201, openapi_extra=creating(HoldPart),
    summary="Set a part of a card aside", responses=answers(one("GiftCardHold"), 201),
)  # fmt: skip
async def hold(
    request: Request,
    code: str,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[HoldPart], Depends(body(HoldPart))],
) -> Response:
    """It cannot be spent twice while an order is made; captured, released, or over in time."""
    who.needs("operator")
    found = await _by_code(request, hub, who, code)
    lasts = timedelta(seconds=parsed.value.expires_in)
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: spend.hold(hub, found.id, _spending(parsed.value), lasts),
        lambda held: created({"data": gift_shapes.hold(held)}),
        place=f"{found.id}/holds",
    )


@router.post(
    "/api/gift-cards/{code}/holds/{hold_id}/capture", openapi_extra=creating(Capture),
    summary="Spend what is held", responses=answers(one("GiftCardHold")),
)  # fmt: skip
async def capture(
    request: Request,
    code: str,
    hold_id: str,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[Capture], Depends(body(Capture))],
) -> Response:
    """All of it, or `amount`: then the rest goes back to the card. Safe to repeat."""
    who.needs("operator")
    found = await _by_code(request, hub, who, code)
    done = await spend.capture(hub, found.id, _hold_id(hold_id), parsed.value.amount)
    return _json(gift_shapes.hold(done))


@router.post(
    "/api/gift-cards/{code}/holds/{hold_id}/release", summary="Release what is held",
    responses=answers(one("GiftCardHold")),
)  # fmt: skip
async def release(
    request: Request, code: str, hold_id: str, hub: HubDep, who: LimitedCaller
) -> Response:
    """It can be spent again. Safe to repeat."""
    who.needs("operator")
    found = await _by_code(request, hub, who, code)
    return _json(gift_shapes.hold(await spend.release(hub, found.id, _hold_id(hold_id))))


def buyer_language(request: Request, wished: str | None = None) -> Language:
    """The language of the letter: what was asked for, else what the browser prefers."""
    return negotiate(request.headers.get("accept-language"), wished, None)


def _sold(opened: Opened[str]) -> Answer:
    return created(gift_shapes.sold(opened.snapshot, opened.sold, opened.token))


async def _by_code_or_id(request: Request, hub: Hub, who: Caller, name: str) -> Card:
    """The same, or the card with this id. An id is no secret: nothing is spent by it."""
    if is_id("gc", name):
        return await cards.find(hub, name)
    return await _by_code(request, hub, who, name)


async def _by_code(request: Request, hub: Hub, who: Caller, code: str) -> Card:
    """The card with this code. Raises NotFound, TooMany after too many wrong codes."""
    limits: RateLimits = request.app.state.limits
    for name, whose in ((GUESSES, who.name), (GUESSES_IN_ALL, "all")):
        wait_s = await limits.wait_s(name, whose)
        if wait_s:
            metrics.GUESSES.labels("refused").inc()
            raise TooMany(f"Too many wrong codes; wait {wait_s} s.", retry_after_s=wait_s)
    found = await cards.find_by_code(hub, code)
    if found is None:
        metrics.GUESSES.labels("wrong").inc()
        # Theirs first: whoever is over it uses up nothing of what all share.
        await count(request, GUESSES, who.name)
        await count(request, GUESSES_IN_ALL, "all")
        raise NotFound(cards.UNKNOWN)
    return found


def _spending(wished: Redeem) -> Spending:
    return Spending(wished.amount, wished.reference, wished.currency)


def _hold_id(text: str) -> str:
    if not is_id("hold", text):
        raise NotFound("This gift card has no hold with this id.")
    return text


def _told(hub: Hub, found: cards.Statement) -> Response:
    return _json(_card(hub, found))


def _card(hub: Hub, found: cards.Statement) -> gift_shapes.GiftCardAnswer:
    return gift_shapes.card(found, cards.email_of(hub, found.card))


def _json(data: Mapping[str, Any]) -> Response:
    return Response(
        shapes.encoded({"data": data}), 200, {"cache-control": "no-store"}, "application/json"
    )
