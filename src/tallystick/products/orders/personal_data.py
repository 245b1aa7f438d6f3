"""What orders and coupons know of people: found, erased, and sealed."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from tallystick.domain.addresses import CUSTOMERS, ORDERS, SEALING, Addresses
from tallystick.domain.ids import new_id
from tallystick.domain.sealing import Masters
from tallystick.flows.addresses import SLICE, seal_column
from tallystick.flows.extensions import PersonalData
from tallystick.flows.hub import Hub
from tallystick.products.orders import coupon_rows, personal_rows, rows, tables
from tallystick.products.orders.ordering import email_of
from tallystick.store.forgetting import GONE
from tallystick.store.sealed import Sealed


def addresses_of(tx: Connection, hub: Hub, ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """The address that each of these orders has now, for the events about them."""
    book = Addresses.of(hub.secret)
    kept = rows.emails(tx, ids)
    return {name: {"email": book.opened(ORDERS, name, one)} for name, one in kept.items()}


def _bought_by(tx: Connection, hub: Hub, email: str) -> set[str]:
    return {*personal_rows.ordered_by(tx, Addresses.of(hub.secret).lookups(ORDERS, email))}


def _email_of(tx: Connection, hub: Hub, payment_id: str) -> str | None:
    order = rows.of_payment(tx, payment_id)
    return None if order is None else email_of(hub, order)


def _erase(tx: Connection, hub: Hub, payment_id: str) -> Mapping[str, int]:
    order = rows.of_payment(tx, payment_id)
    if order is None or email_of(hub, order) == GONE:
        return {"buyers": 0}
    kept = Addresses.of(hub.secret).kept(ORDERS, order.id, GONE)
    personal_rows.buyer(tx, order.id, kept)
    return {"buyers": 1}


def _finish(tx: Connection, hub: Hub, email: str) -> Mapping[str, int]:
    """Coupons count a buyer under a name of their own, which goes on counting for nobody."""
    stranger = new_id("ref", hub.now()).replace("ref_", "forgotten_")
    names = Addresses.of(hub.secret).lookups(CUSTOMERS, email)
    return {"coupon customers": personal_rows.customer(tx, names, stranger)}


async def _seal_rest(hub: Hub) -> int:
    done = await seal_column(hub, tables.orders, ORDERS)
    customer: tuple[str, str] | None = ("", "")
    while customer is not None:
        customer, named = await hub.database.write(partial(_name_some, hub, customer))
        done += named
    return done


def _name_some(
    hub: Hub, after: tuple[str, str], tx: Connection
) -> tuple[tuple[str, str] | None, int]:
    book = Addresses.of(hub.secret)
    found = coupon_rows.unnamed(tx, after, SLICE)
    for coupon_id, customer in found:
        coupon_rows.rename(tx, coupon_id, book.lookups(CUSTOMERS, customer))
    return (found[-1] if found else None), len(found)


def _found_by(masters: Masters, address: str) -> Mapping[str, Any]:
    return {"email_lookup": Addresses.of(masters).lookup(ORDERS, address)}


def _rename_customer(tx: Connection, masters: Masters, order_id: str, address: str) -> None:
    """Coupons count a buyer under a keyed hash too, which only the address can be put into."""
    coupon_id = coupon_rows.coupon_of(tx, order_id)
    if coupon_id is not None:
        coupon_rows.rename(tx, coupon_id, Addresses.of(masters).lookups(CUSTOMERS, address))


PERSONAL_DATA = PersonalData(
    anybody=personal_rows.anybody, bought_by=_bought_by, email_of=_email_of, erase=_erase,
    finish=_finish, seal_rest=_seal_rest,
)  # fmt: skip
SEALED = (
    Sealed(tables.orders.c.email_sealed, SEALING, "orders.email_sealed", beside=_found_by,
           also=_rename_customer),
    Sealed(tables.licences.c.sealed, "licences/sealing", "licences.sealed"),
    Sealed(tables.orders.c.tax_id, "orders/tax-id", "orders.tax_id"),
)  # fmt: skip
