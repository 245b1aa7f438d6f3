"""Orders keep what every product keeps."""

from __future__ import annotations

from tallystick.products import PRODUCTS
from tallystick.products.orders.rules import OrderStatus
from tallystick.store import attempts
from tests.products.conformance import AMOUNT, ProductConformance, Sold

HAS = {OrderStatus.COMPLETED, OrderStatus.PARTIALLY_REFUNDED}


class TestOrders(ProductConformance):
    """Its buyer has what was ordered until all of the money went back."""

    product = next(one for one in PRODUCTS if one.name == "orders")
    package = "tallystick.products.orders"
    whole = True
    email = "mai@example.vn"

    async def sell(self, house):
        await house.stock()
        order = await house.order(self.email)
        tries = await house.database.read(lambda tx: attempts.of_payment(tx, order.payment_id))
        return Sold(order.id, order.payment_id, tries[-1].our_ref)

    async def worth(self, house, sold):
        return AMOUNT if (await house.order_now(sold.id)).status in HAS else 0
