"""Coupons: made by the merchant, and ended."""

from sqlalchemy import Connection

from tallystick.domain.errors import NotFound
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import whole
from tallystick.products.orders import coupon_rows
from tallystick.products.orders.coupon import Coupon


async def add_coupon(hub: Hub, coupon: Coupon) -> Coupon:
    """Keep a new coupon. Raises Conflict where its code is taken."""

    def body(tx: Connection) -> Coupon:
        coupon_rows.add(tx, coupon)
        return coupon

    return await whole(hub, body)


async def end_coupon(hub: Hub, coupon_id: str) -> Coupon:
    """Nobody can use it any more; orders that hold it keep it. Safe to repeat. Raises NotFound."""
    now = hub.now()

    def body(tx: Connection) -> Coupon:
        coupon_rows.end(tx, coupon_id, now)
        found = coupon_rows.find(tx, coupon_id)
        if found is None:
            raise NotFound("There is no coupon with this id.")
        return found

    return await hub.database.write(body)
