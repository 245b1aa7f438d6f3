"""What orders keep of their buyers: found by address, and put out of the rows."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, update

from tallystick.domain.addresses import SealedAddress
from tallystick.products.orders.coupon_tables import coupon_customers, coupon_uses
from tallystick.products.orders.tables import orders

_BUYER = (
    update(orders)
    .where(orders.c.id == bindparam("of_id"))
    .values(
        email_lookup=bindparam("lookup"), email_sealed=bindparam("sealed"), github_username=None
    )
)
_ORDERED = select(orders.c.payment_id).where(
    orders.c.email_lookup.in_(bindparam("lookups", expanding=True))
)
_ANY_ORDER = select(orders.c.id).limit(1)


def anybody(tx: Connection) -> bool:
    """Whether anything was ever ordered."""
    return tx.execute(_ANY_ORDER).first() is not None


def ordered_by(tx: Connection, lookups: Sequence[str]) -> list[str]:
    """The payments of the orders whose address stands under one of these."""
    return list(tx.execute(_ORDERED, {"lookups": list(lookups)}).scalars())


def buyer(tx: Connection, order_id: str, other: SealedAddress) -> None:
    """Put another address in the place of the buyer's, and take the user name out."""
    values = {"of_id": order_id, "lookup": other.lookup, "sealed": other.sealed}
    tx.execute(_BUYER, values)


def customer(tx: Connection, names: Sequence[str], other: str) -> int:
    """Give a customer of coupons another name; how often a coupon was used stays known."""
    changed = 0
    for table in (coupon_uses, coupon_customers):
        renamed = update(table).where(table.c.customer.in_(names)).values(customer=other)
        changed += int(tx.execute(renamed).rowcount)
    return changed
