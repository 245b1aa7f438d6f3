"""The JSON of gift cards: what is sold, what is left on a card, and how it came to that."""

import base64
from typing import Final, NotRequired

from typing_extensions import TypedDict

from tallystick.domain.answer_types import Amount, Instant, Minor
from tallystick.domain.payment import AmountState, AttemptState, Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.products.gift_cards.cards import Statement
from tallystick.products.gift_cards.deliver import GiftCardNews
from tallystick.products.gift_cards.rows import Listed
from tallystick.products.gift_cards.rules import (
    Card,
    CardState,
    Hold,
    HoldState,
    Movement,
    MovementKind,
)
from tallystick.web.answer_schemas import Schemas
from tallystick.web.pages import qr
from tallystick.web.shapes import instant


class GiftCardSaleAnswer(Amount):
    """An offer of a gift card: the replaced page's fields, and ours beside them."""

    orderCode: str | None
    onePayOrderId: str | None
    vaNumber: str | None
    qrCode: str | None
    qrCodeUrl: str | None
    expiredAt: Instant
    giftCardCode: None
    id: str
    paymentId: str
    clientToken: str | None
    gateway: str | None
    gatewayOrderId: str | None
    checkoutUrl: str | None
    transferContent: str | None


class GiftCardPaymentAnswer(TypedDict):
    """Whether a card is paid, in the words of the replaced page, and its code."""

    status: str
    code: NotRequired[str]
    amount: NotRequired[Minor]
    email: NotRequired[str]
    message: NotRequired[str]


class OldRefusalAnswer(TypedDict):
    """What is wrong, as the replaced page's clients read it."""

    error: str


class GiftCardOrderAnswer(TypedDict):
    """How one of our orders stands, in the gateway's words."""

    orderId: str
    status: str
    amount: Minor


class GiftCardStanding(Amount):
    """A card as it stands; the code is in no answer."""

    id: str
    status: CardState
    balance: Minor
    held: Minor
    email: str
    language: str
    paymentId: str
    createdAt: Instant
    issuedAt: Instant | None


class ListedGiftCardAnswer(GiftCardStanding):
    """A card in a list: without its history, and with the order that it is paid by."""

    gateway: str | None
    gatewayOrderId: str | None
    orderCode: str | None


class GiftCardLine(TypedDict):
    """One movement of a card."""

    id: str
    type: MovementKind
    amount: Minor
    reference: str | None
    balance: Minor
    at: Instant


class GiftCardAnswer(GiftCardStanding):
    """A card as its merchant sees it."""

    history: list[GiftCardLine]


class GiftCardRedemptionAnswer(Amount):
    """What was spent, and what was left after it."""

    id: str
    redemptionId: str
    reference: str
    balance: Minor
    at: Instant


class GiftCardHoldAnswer(Amount):
    """A part that is set aside."""

    id: str
    cardId: str
    status: HoldState
    reference: str
    captured: Minor
    createdAt: Instant
    expiresAt: Instant


SCHEMAS: Final = Schemas(
    GiftCardSaleAnswer, GiftCardPaymentAnswer, OldRefusalAnswer, GiftCardOrderAnswer,
    ListedGiftCardAnswer, GiftCardAnswer, GiftCardRedemptionAnswer, GiftCardHoldAnswer,
    GiftCardNews,
)  # fmt: skip


_UNPAID: Final = {Phase.OPEN, Phase.CANCELED}
_STATUSES: Final = {
    Phase.DRAFT: "Pending",
    Phase.OPEN: "Pending",
    # OnePay's only word for money that has come and is not all.
    Phase.PROCESSING: "Partially",
    Phase.PAID: "Paid",
    Phase.EXPIRED: "Expired",
    Phase.CANCELED: "Cancelled",
}


def gateway_status(snapshot: Snapshot) -> str:
    """The state of an order in OnePay's words, which the callers of old know."""
    attempt, phase = snapshot.attempt, snapshot.phase
    if phase is Phase.OPEN and snapshot.amount_state is AmountState.PARTIAL:
        return "Partially"
    if phase in _UNPAID and attempt is not None and attempt.state is AttemptState.FAILED:
        return "Rejected"
    return _STATUSES[phase]


def order_name(snapshot: Snapshot) -> str | None:
    """The gateway's name for the order; ours, while its answer is still missing."""
    attempt = snapshot.attempt
    return None if attempt is None else attempt.provider_id or attempt.our_ref


def sold(snapshot: Snapshot, card_id: str, token: str) -> GiftCardSaleAnswer:
    """An offer of a gift card: the replaced gift-card page's fields, and ours beside them."""
    attempt = snapshot.attempt
    given = {} if attempt is None else attempt.checkout
    payload = given.get("qr_code")
    return {
        "orderCode": None if attempt is None else attempt.our_ref,
        "onePayOrderId": order_name(snapshot),
        "vaNumber": given.get("va_number") or given.get("account_number"),
        "qrCode": payload,
        "qrCodeUrl": None if payload is None else _picture(payload),
        "amount": snapshot.due.minor,
        "expiredAt": instant(snapshot.expires_at),
        "giftCardCode": None,
        "id": card_id,
        "paymentId": snapshot.id,
        "clientToken": token,
        "gateway": snapshot.gateway,
        "gatewayOrderId": order_name(snapshot),
        "currency": snapshot.due.currency,
        "checkoutUrl": given.get("checkout_url"),
        "transferContent": given.get("transfer_content"),
    }


def _picture(payload: str) -> str | None:
    """The code as a picture in an address, so that no other server learns who pays."""
    drawn = qr.draw(payload)
    if drawn is None:
        return None
    named = str(drawn).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return "data:image/svg+xml;base64," + base64.b64encode(named.encode()).decode()


def card(found: Statement, email: str) -> GiftCardAnswer:
    """A card as its merchant sees it; the code is in no answer."""
    return {**_standing(found, email), "history": [_line(one) for one in found.history]}


def listed(found: Listed, email: str) -> ListedGiftCardAnswer:
    """The same in a list: without its history, and with the order that it is paid by."""
    return {
        **_standing(found, email),
        "gateway": found.gateway,
        "gatewayOrderId": found.provider_id or found.our_ref,
        "orderCode": found.our_ref,
    }


def _standing(found: Statement | Listed, email: str) -> GiftCardStanding:
    return {
        "id": found.card.id,
        "status": found.card.state,
        "amount": found.card.amount,
        "currency": found.card.currency,
        "balance": found.balance,
        "held": found.held,
        "email": email,
        "language": found.card.language,
        "paymentId": found.card.payment_id,
        "createdAt": instant(found.card.created_at),
        "issuedAt": instant(found.card.issued_at),
    }


def _line(one: Movement) -> GiftCardLine:
    return {
        "id": one.id,
        "type": one.kind,
        "amount": one.amount,
        "reference": one.reference,
        "balance": one.balance,
        "at": instant(one.at),
    }


def redemption(found: Card, one: Movement) -> GiftCardRedemptionAnswer:
    """What was spent, and what was left after it."""
    assert one.reference is not None  # noqa: S101 - nothing is redeemed without one
    return {
        "id": found.id,
        "redemptionId": one.id,
        "reference": one.reference,
        "amount": one.amount,
        "currency": one.currency,
        "balance": one.balance,
        "at": instant(one.at),
    }


def hold(one: Hold) -> GiftCardHoldAnswer:
    """A part that is set aside."""
    return {
        "id": one.id,
        "cardId": one.card_id,
        "status": one.state,
        "reference": one.reference,
        "amount": one.amount,
        "captured": one.captured,
        "currency": one.currency,
        "createdAt": instant(one.created_at),
        "expiresAt": instant(one.expires_at),
    }
