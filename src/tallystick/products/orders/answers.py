"""The JSON of orders: as it is made, as its buyer sees it, as a list shows it."""

from collections.abc import Iterable
from typing import Final, NotRequired, cast

from typing_extensions import TypedDict

from tallystick.domain.access import Grant, GrantState
from tallystick.domain.answer_types import Count, Instant, Minor
from tallystick.domain.document import CheckoutAnswer, TransactionAnswer
from tallystick.domain.snapshot import Snapshot, TransactionPart
from tallystick.flows.hub import Hub
from tallystick.products.orders.coupon import CouponType, SyncOutcome
from tallystick.products.orders.deliver import Orders
from tallystick.products.orders.document import OrderAnswer, document
from tallystick.products.orders.look_up import Bought
from tallystick.products.orders.ordering import email_of
from tallystick.products.orders.rules import Order, OrderStatus
from tallystick.web import shapes
from tallystick.web.answer_schemas import Schemas
from tallystick.web.pages import figures
from tallystick.web.pages.language import Language


class ProductAnswer(TypedDict):
    """Something that is sold, with its prices."""

    productType: str
    name: str
    prices: dict[str, Minor]
    description: str
    licensed: bool
    access: bool
    active: bool


class OrderToPay(OrderAnswer):
    """An order with how it is paid."""

    checkout: CheckoutAnswer | None
    expiresAt: Instant


class NewOrderAnswer(OrderToPay):
    """An order that was made, and the buyer's token that opens it."""

    clientToken: str | None


class OrderLicence(TypedDict):
    """A licence; no key once it has ended."""

    id: str
    key: str | None
    seats: Count
    issuedAt: Instant
    revokedAt: Instant | None


class OrderAccess(TypedDict):
    """Whom the buyer named, and how the invitation stands."""

    place: str
    githubUsername: str
    state: GrantState
    note: str


class Came(TypedDict):
    """What key holders are told beside it: the transfers that paid it."""

    transactions: NotRequired[list[TransactionAnswer]]


class BoughtOrder(OrderToPay):
    """An order with what was bought."""

    licence: OrderLicence | None
    access: OrderAccess | None


class OrderForBuyersAnswer(BoughtOrder, Came):
    """An order for whoever may see what was bought."""


class OrderRow(OrderAnswer):
    """An order in a list: with its worth in US cents, and the amount as people read it."""

    amountUsdCents: Minor | None
    displayAmount: str


class ListedOrderAnswer(OrderRow, Came):
    """The same, and for key holders with the transfers that paid it."""


class OrdersPage(TypedDict):
    """Which page of orders it is."""

    page: Count
    limit: Count
    hasMore: bool


class AdminOrdersAnswer(TypedDict):
    """Orders page by page, as the replaced order system lists them."""

    orders: list[ListedOrderAnswer]
    pagination: OrdersPage


class CouponAnswer(TypedDict):
    """A coupon with its counters."""

    id: str
    code: str
    type: CouponType
    percent: Count | None
    amounts: dict[str, Minor] | None
    maxRedemptions: Count | None
    perCustomer: Count | None
    reserved: Count
    redeemed: Count
    redeemedElsewhere: Count
    remaining: Count | None
    expiresAt: Instant | None
    active: bool
    polarDiscountId: str | None
    polarOutcome: SyncOutcome | None
    polarToldAt: Instant | None
    createdAt: Instant
    updatedAt: Instant


class LicenceKeyAnswer(TypedDict):
    """What licences are verified with."""

    format: str
    algorithm: str
    publicKey: str
    pem: str


class LicenceStandingAnswer(TypedDict):
    """Whether a licence is still good."""

    valid: bool
    productType: str | None
    seats: Count | None
    revokedAt: Instant | None


SCHEMAS: Final = Schemas(
    ProductAnswer, OrderAnswer, NewOrderAnswer, OrderForBuyersAnswer, ListedOrderAnswer,
    AdminOrdersAnswer, CouponAnswer, LicenceKeyAnswer, LicenceStandingAnswer,
)  # fmt: skip


LISTED_IN: Final = Language.ENGLISH
"""The language that merchants' lists write amounts in."""


def order(hub: Hub, one: Order) -> OrderAnswer:
    """An order alone."""
    return document(one, email_of(hub, one))


def new(hub: Hub, one: Order, snapshot: Snapshot) -> OrderToPay:
    """An order that is to be paid, and how."""
    attempt = snapshot.attempt
    return {
        **order(hub, one),
        "checkout": None if attempt is None else shapes.checkout(attempt.checkout),
        "expiresAt": shapes.instant(snapshot.expires_at),
    }


def bought(hub: Hub, one: Bought, *, for_keys: bool) -> OrderForBuyersAnswer:
    """An order for whoever may see what was bought; which transfers paid it is for key holders."""
    told: BoughtOrder = {
        **new(hub, one.order, one.snapshot),
        "licence": _licence(hub, one),
        "access": _access(one.grant),
    }
    parts = one.snapshot.transactions if for_keys else None
    return cast("OrderForBuyersAnswer", {**told, **_came(parts)})


def listed(hub: Hub, one: Order, parts: Iterable[TransactionPart] | None) -> ListedOrderAnswer:
    """A row of the replaced system's list; `parts` paid it, None where no key is asking."""
    told: OrderRow = {
        **order(hub, one),
        "amountUsdCents": None if one.worth is None else one.worth.usd_cents,
        "displayAmount": figures.money(one.amount, LISTED_IN),
    }
    return cast("ListedOrderAnswer", {**told, **_came(parts)})


def _came(parts: Iterable[TransactionPart] | None) -> Came:
    if parts is None:
        return {}
    return {"transactions": [shapes.transaction(part) for part in parts]}


def _licence(hub: Hub, one: Bought) -> OrderLicence | None:
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


def _access(grant: Grant | None) -> OrderAccess | None:
    if grant is None:
        return None
    return {
        "place": grant.place,
        "githubUsername": grant.username,
        "state": grant.state,
        "note": grant.note,
    }
