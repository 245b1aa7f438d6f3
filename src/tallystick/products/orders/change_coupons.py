"""Coupons: made by the merchant, and ended."""

from collections.abc import Callable

from sqlalchemy import Connection

from tallystick.domain.errors import NotFound
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import Once
from tallystick.products.orders import coupon_rows
from tallystick.products.orders.coupon import Coupon


async def add_coupon(
    hub: Hub, coupon: Coupon, once: Once | None, render: Callable[[Coupon], bytes]
) -> bytes:
    """Keep a new coupon. Raises Conflict where its code is taken."""

    def body(tx: Connection) -> bytes:
        if once is not None:
            once.claim(tx, hub, None)
        coupon_rows.add(tx, coupon)
        answer = render(coupon)
        if once is not None:
            once.keep(tx, hub, 201, answer)
        return answer

    return await hub.database.write(body)


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
