"""What a delivered order earns: its sale in the books of revenue, and its referrer's share."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from tallystick.domain.exchange import Rate, RateSource, Valued
from tallystick.domain.money import Money
from tallystick.products.ports import SoldOrder
from tallystick.products.revenue import commission_rows, sale_rows
from tallystick.products.revenue.sale_rows import Sale


class SaleBooking:
    """Has a share in every order: see `Beneficiary`. All at the rate that the order was made at.

    Runs in the transactions that settle and refund. Always first the referrer's account and then
    the day's sums, so that two orders never wait for each other.
    """

    def earned(self, tx: Connection, order: SoldOrder, now: datetime) -> None:
        """Book the sale, and the commission where somebody referred the buyer."""
        worth = valued(order)
        if worth is None:
            return
        if order.referred_by is not None:
            commission_rows.earn(tx, order.id, order.referred_by, worth, now)
        sale = Sale(order.id, order.payment_id, order.product_type, order.gateway, worth)
        sale_rows.sell(tx, sale, now)

    def returned(
        self, tx: Connection, order: SoldOrder, before: Money, back: Money, now: datetime
    ) -> None:
        """Book what goes back, and claw back its share of the commission."""
        commission_rows.claw_back(tx, order.id, before.minor, back.minor, now)
        sale_rows.give_back(tx, order.id, before.minor, back.minor, now)


def valued(order: SoldOrder) -> Valued | None:
    """What the order is worth, as it was frozen; None for one of before rates were."""
    worth = order.worth
    if worth is None:
        return None
    rate = Rate(order.amount.currency, Decimal(worth.rate), RateSource(worth.source), worth.as_of)
    return Valued(order.amount, worth.usd_cents, rate)
