"""Look up: orders, products, coupons and licences, one by one and in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.access import Grant
from tallystick.domain.ids import is_id
from tallystick.domain.sealing import fingerprint
from tallystick.domain.snapshot import Snapshot, TransactionPart
from tallystick.flows.hub import Hub
from tallystick.products.orders import coupon_rows, grant_rows, licence_rows, product_rows, rows
from tallystick.products.orders.coupon import Coupon, normal_code
from tallystick.products.orders.licence_rows import Licence
from tallystick.products.orders.rows import Search
from tallystick.products.orders.rules import Order, Product
from tallystick.store import snapshots, transactions
from tallystick.store.places import Place


@dataclass(frozen=True, slots=True)
class Bought:
    """An order with its payment, and what was handed out for it."""

    order: Order
    snapshot: Snapshot
    licence: Licence | None
    grant: Grant | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An order, and the transfers that paid it."""

    order: Order
    paid_by: Sequence[TransactionPart]


async def order(hub: Hub, order_id: str) -> Bought | None:
    """The order with all that belongs to it, or None."""
    if not is_id("ord", order_id):
        return None

    def read(tx: Connection) -> Bought | None:
        known = rows.find(tx, order_id)
        snapshot = None if known is None else snapshots.find(tx, known.payment_id)
        if known is None or snapshot is None:
            return None
        licence = licence_rows.of_order(tx, known.id)
        return Bought(known, snapshot, licence, grant_rows.find(tx, known.id))

    return await hub.database.read(read)


async def orders(hub: Hub, search: Search, after: Place | None, limit: int) -> list[Listed]:
    """One page, newest first, one more than `limit` where there are more."""
    return await hub.database.read(lambda tx: _listed(tx, rows.page(tx, search, after, limit)))


async def orders_page(hub: Hub, search: Search, number: int, limit: int) -> list[Listed]:
    """The page of this number, the first being 1; the same otherwise."""
    return await hub.database.read(
        lambda tx: _listed(tx, rows.numbered_page(tx, search, number, limit))
    )


async def products(hub: Hub) -> list[Product]:
    """All there are, also what is not sold any more."""
    return await hub.database.read(product_rows.every)


async def product(hub: Hub, product_type: str) -> Product | None:
    """The product of this type, or None."""
    return await hub.database.read(lambda tx: product_rows.find(tx, product_type))


async def coupon(hub: Hub, name: str) -> Coupon | None:
    """The coupon with this id or code, or None."""

    def read(tx: Connection) -> Coupon | None:
        if is_id("cpn", name):
            return coupon_rows.find(tx, name)
        return coupon_rows.by_code(tx, normal_code(name))

    return await hub.database.read(read)


async def coupons(
    hub: Hub, code: str | None, span: tuple[datetime | None, datetime | None],
    after: Place | None, limit: int,
) -> list[Coupon]:  # fmt: skip
    """One page, newest first, one more than `limit` where there are more."""
    wanted = None if code is None else normal_code(code)
    return await hub.database.read(
        lambda tx: coupon_rows.page(tx, code=wanted, span=span, after=after, limit=limit)
    )


async def licence(hub: Hub, key: str) -> Licence | None:
    """The licence with this key, or None."""
    return await hub.database.read(lambda tx: licence_rows.by_hash(tx, fingerprint(key)))


def _listed(tx: Connection, found: list[Order]) -> list[Listed]:
    paid = transactions.of_payments(tx, [one.payment_id for one in found])
    return [Listed(one, paid[one.payment_id]) for one in found]
