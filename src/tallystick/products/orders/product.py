"""The catalogue and its orders, as the server knows them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from tallystick.domain.sealing import Masters
from tallystick.flows.extensions import ScheduledJob
from tallystick.products.base import Product
from tallystick.products.orders import (
    answers,
    checks,
    coupon_routes,
    coupon_tables,
    licence_routes,
    list_routes,
    personal_data,
    product_routes,
    routes,
    rows,
)
from tallystick.products.orders.deliver import SET_ACCESS, SYNC_DISCOUNT, Orders
from tallystick.products.orders.set_access import set_access
from tallystick.products.orders.sync_discounts import sync_discount, sync_discounts
from tallystick.products.ports import Beneficiary, FindReferrer
from tallystick.settings import Settings

__all__ = ["coupon_tables", "product"]


def product(beneficiaries: Sequence[Beneficiary], find_referrer: FindReferrer) -> Product:
    """Orders in which others have a share, and whose buyers somebody may have sent."""

    def make(secret: Masters, _settings: Settings) -> Orders:
        return Orders(secret, tuple(beneficiaries), find_referrer)

    return Product(
        name="orders",
        fulfilment=make,
        routers=(
            product_routes.router,
            list_routes.router,
            routes.router,
            coupon_routes.router,
            licence_routes.router,
        ),
        schemas=answers.SCHEMAS,
        events=dict.fromkeys(("order.completed", "order.refunded", "order.review"), "Order"),
        effects={SET_ACCESS: set_access, SYNC_DISCOUNT: sync_discount},
        jobs={"sync-discounts": ScheduledJob(timedelta(minutes=15), sync_discounts, quiet=True)},
        look_ups={"ord": _payment_of},
        with_data={"order.": personal_data.addresses_of},
        checks=checks.CHECKS,
        sealed=personal_data.SEALED,
        personal=(personal_data.PERSONAL_DATA,),
        agreed_rates=(rows.agreed_rate,),
    )


def _payment_of(tx: Connection, order_id: str) -> str | None:
    order = rows.find(tx, order_id)
    return None if order is None else order.payment_id
