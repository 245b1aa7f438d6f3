"""What can be sold: a folder for each product, with the same inner order.

A new product is a folder, and one line here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from tallystick.domain.sealing import Masters
from tallystick.flows.extensions import Extensions, gathered
from tallystick.flows.fulfilment import Fulfilment, PaymentLink, Plain
from tallystick.products.base import Product
from tallystick.products.gift_cards.product import PRODUCT as GIFT_CARDS
from tallystick.products.orders.product import product as orders
from tallystick.products.revenue.book_sale import SaleBooking
from tallystick.products.revenue.product import PRODUCT as REVENUE
from tallystick.products.revenue.referrer_rows import find_by_code
from tallystick.products.tasks.product import PRODUCT as TASKS
from tallystick.products.wallets.product import PRODUCT as WALLETS
from tallystick.settings import Settings
from tallystick.store import audit
from tallystick.store.sealed import SEALED
from tallystick.web.parts import WebParts

T = TypeVar("T")

PRODUCTS: Final[tuple[Product, ...]] = (
    GIFT_CARDS,
    WALLETS,
    TASKS,
    orders(beneficiaries=(SaleBooking(),), find_referrer=find_by_code),
    REVENUE,
)


def extensions_of(products: Sequence[Product]) -> Extensions:
    """What these add to the flows. Raises ValueError where two have something of one name."""
    return gathered(products)


def web_parts_of(products: Sequence[Product]) -> WebParts:
    """What these add to the web. Raises ValueError where two have something of one name."""
    return WebParts(
        routers=tuple(router for one in products for router in one.routers),
        watches=tuple(watch for one in products for watch in one.watches),
        public_pages=tuple(page for one in products for page in one.public_pages),
        schemas=tuple(one.schemas for one in products),
        events=_merged("events", [one.events for one in products]),
    )


def fulfilments_of(
    products: Sequence[Product], secret: Masters, settings: Settings
) -> dict[str, Fulfilment]:
    """All that can be delivered, by its purpose: payments as such and links, then the products."""
    core = [kind.make(secret, settings) for kind in (Plain, PaymentLink)]
    sold = [one.fulfilment(secret, settings) for one in products if one.fulfilment is not None]
    return _merged("purposes", [{made.purpose: made} for made in (*core, *sold)])


def _merged(what: str, parts: Iterable[Mapping[str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    for part in parts:
        twice = found.keys() & part.keys()
        if twice:
            raise ValueError(f"Two products have {what} called {', '.join(twice)}.")
        found |= part
    return found


EXTENSIONS: Final = extensions_of(PRODUCTS)
WEB_PARTS: Final = web_parts_of(PRODUCTS)
SEALED_COLUMNS: Final = (*SEALED, *EXTENSIONS.sealed)
"""Every column that is sealed."""

CHECKS: Final = (*audit.CHECKS, *EXTENSIONS.checks)
"""Every invariant of `tallystick audit`."""
