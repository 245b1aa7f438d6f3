"""The JSON of orders: as it is made, as its buyer sees it, as a list shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tallystick.domain.access import Grant
from tallystick.domain.snapshot import Snapshot, TransactionPart
from tallystick.flows.hub import Hub
from tallystick.products.orders.deliver import Orders
from tallystick.products.orders.document import document
from tallystick.products.orders.licence_rows import Licence
from tallystick.products.orders.ordering import email_of
from tallystick.products.orders.rules import Order, OrderStatus
from tallystick.web import shapes
from tallystick.web.pages import figures
from tallystick.web.pages.language import Language

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
    """S2's row: with its worth in US cents, and the amount as people read it."""
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
