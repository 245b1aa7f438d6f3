"""The JSON of gift cards: what is sold, what is left on a card, and how it came to that."""

import base64
from typing import Any, Final

from tallystick.domain.payment import AmountState, AttemptState, Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.products.gift_cards.cards import Statement
from tallystick.products.gift_cards.rows import Listed
from tallystick.products.gift_cards.rules import (
    Card,
    CardState,
    Hold,
    HoldState,
    Movement,
    MovementKind,
)
from tallystick.web.pages import qr
from tallystick.web.schema_parts import (
    INSTANT,
    MINOR,
    MONEY,
    TEXT,
    Schema,
    many,
    object_,
    one_of,
    or_null,
)
from tallystick.web.shapes import instant

_GIFT_CARD: Final = {
    **MONEY,
    "id": TEXT, "status": one_of(CardState), "balance": MINOR, "held": MINOR, "email": TEXT,
    "language": TEXT, "paymentId": TEXT, "createdAt": INSTANT, "issuedAt": or_null(INSTANT),
}  # fmt: skip

SCHEMAS: Final[dict[str, Schema]] = {
    "GiftCardSale": object_(
        MONEY, orderCode=or_null(TEXT), onePayOrderId=or_null(TEXT), vaNumber=or_null(TEXT),
        qrCode=or_null(TEXT), qrCodeUrl=or_null(TEXT), expiredAt=INSTANT,
        giftCardCode={"type": "null"}, id=TEXT, paymentId=TEXT, clientToken=or_null(TEXT),
        gateway=or_null(TEXT), gatewayOrderId=or_null(TEXT), checkoutUrl=or_null(TEXT),
        transferContent=or_null(TEXT),
    ),
    "GiftCardPayment": {
        **object_(status=TEXT, code=TEXT, amount=MINOR, email=TEXT, message=TEXT),
        "required": ["status"],
    },
    "OldRefusal": object_(error=TEXT),
    "GiftCardOrder": object_(orderId=TEXT, status=TEXT, amount=MINOR),
    "ListedGiftCard": object_(
        _GIFT_CARD, gateway=or_null(TEXT), gatewayOrderId=or_null(TEXT),
        orderCode=or_null(TEXT),
    ),
    "GiftCard": object_(
        _GIFT_CARD,
        history=many(object_(id=TEXT, type=one_of(MovementKind), amount=MINOR,
                              reference=or_null(TEXT), balance=MINOR, at=INSTANT)),
    ),
    "GiftCardRedemption": object_(
        MONEY, id=TEXT, redemptionId=TEXT, reference=TEXT, balance=MINOR, at=INSTANT,
    ),
    "GiftCardHold": object_(
        MONEY, id=TEXT, cardId=TEXT, status=one_of(HoldState), reference=TEXT,
        captured=MINOR, createdAt=INSTANT, expiresAt=INSTANT,
    ),
    "GiftCardNews": object_(MONEY, id=TEXT, status=TEXT, balance=MINOR, paymentId=TEXT),
}  # fmt: skip


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


def sold(snapshot: Snapshot, card_id: str, token: str) -> dict[str, Any]:
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


def card(found: Statement, email: str) -> dict[str, Any]:
    """A card as its merchant sees it; the code is in no answer."""
    return {**_standing(found, email), "history": [_line(one) for one in found.history]}


def listed(found: Listed, email: str) -> dict[str, Any]:
    """The same in a list: without its history, and with the order that it is paid by."""
    return {
        **_standing(found, email),
        "gateway": found.gateway,
        "gatewayOrderId": found.provider_id or found.our_ref,
        "orderCode": found.our_ref,
    }


def _standing(found: Statement | Listed, email: str) -> dict[str, Any]:
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


def _line(one: Movement) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": one.kind,
        "amount": one.amount,
        "reference": one.reference,
        "balance": one.balance,
        "at": instant(one.at),
    }


def redemption(found: Card, one: Movement) -> dict[str, Any]:
    """What was spent, and what was left after it."""
    return {
        "id": found.id,
        "redemptionId": one.id,
        "reference": one.reference,
        "amount": one.amount,
        "currency": one.currency,
        "balance": one.balance,
        "at": instant(one.at),
    }


def hold(one: Hold) -> dict[str, Any]:
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
