"""The JSON of orders: as it is made, as its buyer sees it, as a list shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tallystick.domain.access import Grant, GrantState
from tallystick.domain.snapshot import Snapshot, TransactionPart
from tallystick.flows.hub import Hub
from tallystick.products.orders.coupon import CouponType, SyncOutcome
from tallystick.products.orders.deliver import Orders
from tallystick.products.orders.document import document
from tallystick.products.orders.licence_rows import Licence
from tallystick.products.orders.ordering import email_of
from tallystick.products.orders.rules import Order, OrderReview, OrderStatus
from tallystick.web import shapes
from tallystick.web.pages import figures
from tallystick.web.pages.language import Language
from tallystick.web.schema_parts import (
    COUNT,
    FLAG,
    INSTANT,
    MINOR,
    MONEY,
    NOTES,
    NUMBER,
    TEXT,
    Schema,
    many,
    object_,
    one_of,
    or_null,
    ref,
)


def _for_keys(*groups: dict[str, Schema], **members: Schema) -> Schema:
    """The same, and for key holders the transfers that came."""
    shape = object_(*groups, **members)
    shape["properties"] |= {"transactions": many(ref("Transaction"))}
    return shape


_ORDER: Final = {
    **MONEY,
    "id": TEXT, "couponCode": or_null(TEXT), "userId": or_null(TEXT), "email": TEXT,
    "productType": TEXT, "quantity": COUNT, "originalAmount": MINOR,
    "status": one_of(OrderStatus), "review": or_null(one_of(OrderReview)),
    "paymentProvider": TEXT, "paymentId": TEXT, "referredBy": or_null(TEXT),
    "discountAmount": MINOR,
    "discountRate": {**NUMBER, "description": "Percent of originalAmount."},
    "couponDiscount": MINOR, "referralDiscount": MINOR, "refundedAmount": MINOR,
    "teamId": or_null(TEXT), "githubUsername": or_null(TEXT), "vatInvoiceRequested": FLAG,
    "metadata": NOTES, "createdAt": INSTANT, "updatedAt": INSTANT,
    "completedAt": or_null(INSTANT),
}  # fmt: skip
_TO_PAY: Final = {"checkout": or_null(ref("Checkout")), "expiresAt": INSTANT}
_PRICES: Final[Schema] = {"type": "object", "additionalProperties": MINOR}


SCHEMAS: Final[dict[str, Schema]] = {
    "Product": object_(
        productType=TEXT, name=TEXT, prices=_PRICES, description=TEXT, licensed=FLAG,
        access=FLAG, active=FLAG,
    ),
    "Order": object_(_ORDER),
    "NewOrder": object_(_ORDER, _TO_PAY, clientToken=or_null(TEXT)),
    "OrderForBuyers": _for_keys(
        _ORDER, _TO_PAY,
        licence=or_null(object_(id=TEXT, key=or_null(TEXT), seats=COUNT, issuedAt=INSTANT,
                                 revokedAt=or_null(INSTANT))),
        access=or_null(object_(place=TEXT, githubUsername=TEXT, state=one_of(GrantState),
                                note=TEXT)),
    ),
    "ListedOrder": _for_keys(_ORDER, amountUsdCents=or_null(MINOR), displayAmount=TEXT),
    "AdminOrders": object_(
        orders=many(ref("ListedOrder")), pagination=object_(page=COUNT, limit=COUNT,
                                                             hasMore=FLAG),
    ),
    "Coupon": object_(
        id=TEXT, code=TEXT, type=one_of(CouponType), percent=or_null(COUNT),
        amounts=or_null(_PRICES), maxRedemptions=or_null(COUNT), perCustomer=or_null(COUNT),
        reserved=COUNT, redeemed=COUNT, redeemedElsewhere=COUNT, remaining=or_null(COUNT),
        expiresAt=or_null(INSTANT), active=FLAG, polarDiscountId=or_null(TEXT),
        polarOutcome=or_null(one_of(SyncOutcome)), polarToldAt=or_null(INSTANT),
        createdAt=INSTANT, updatedAt=INSTANT,
    ),
    "LicenceKey": object_(format=TEXT, algorithm=TEXT, publicKey=TEXT, pem=TEXT),
    "LicenceStanding": object_(
        valid=FLAG, productType=or_null(TEXT), seats=or_null(COUNT),
        revokedAt=or_null(INSTANT),
    ),
}  # fmt: skip


LISTED_IN: Final = Language.ENGLISH
"""The language that merchants' lists write amounts in."""


@dataclass(frozen=True, slots=True)
class Bought:
    """An order with its payment, and what was handed out for it."""

    order: Order
    snapshot: Snapshot
    licence: Licence | None
    grant: Grant | None


def order(hub: Hub, one: Order) -> dict[str, Any]:
    """An order alone."""
    return document(one, email_of(hub, one))


def new(hub: Hub, one: Order, snapshot: Snapshot) -> dict[str, Any]:
    """An order that is to be paid, and how."""
    attempt = snapshot.attempt
    return {
        **order(hub, one),
        "checkout": None if attempt is None else shapes.checkout(attempt.checkout),
        "expiresAt": shapes.instant(snapshot.expires_at),
    }


def bought(hub: Hub, one: Bought) -> dict[str, Any]:
    """An order for whoever may see what was bought."""
    return {
        **new(hub, one.order, one.snapshot),
        "licence": _licence(hub, one),
        "access": _access(one.grant),
    }


def came(parts: Iterable[TransactionPart]) -> dict[str, Any]:
    """The transfers that paid an order, for key holders."""
    return {"transactions": [shapes.transaction(part) for part in parts]}


def listed(hub: Hub, one: Order) -> dict[str, Any]:
    """A row of the replaced system: its worth in US cents, and the amount as people read it."""
    return {
        **order(hub, one),
        "amountUsdCents": None if one.worth is None else one.worth.usd_cents,
        "displayAmount": figures.money(one.amount, LISTED_IN),
    }


def _licence(hub: Hub, one: Bought) -> dict[str, Any] | None:
    """Nothing before the payment is paid; after a refund that ended it, only that it was."""
    licence, selling = one.licence, hub.fulfilments[Orders.purpose]
    if licence is None or one.snapshot.paid_at is None or not isinstance(selling, Orders):
        return None
    ended = licence.revoked_at is not None or one.order.status is OrderStatus.PENDING
    return {
        "id": licence.id,
        "key": None if ended else selling.licence_key(licence),
        "seats": licence.seats,
        "issuedAt": shapes.instant(licence.issued_at),
        "revokedAt": shapes.instant(licence.revoked_at),
    }


def _access(grant: Grant | None) -> dict[str, Any] | None:
    if grant is None:
        return None
    return {
        "place": grant.place,
        "githubUsername": grant.username,
        "state": grant.state,
        "note": grant.note,
    }
