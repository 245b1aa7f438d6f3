"""Products: what is sold, put on the shelf or changed; and three to try things with."""

from typing import Final

from sqlalchemy import Connection

from tallystick.domain.access import place
from tallystick.domain.errors import Conflict, Invalid, NotConfigured, NotFound
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import whole
from tallystick.products.orders import product_rows
from tallystick.products.orders.rules import Product

_DEMO: Final = (
    ("starter", "Starter kit", {"USD": 1_900, "VND": 449_000, "LKR": 570_000}, None),
    ("pro", "Pro licence", {"USD": 9_900, "VND": 2_390_000, "LKR": 2_970_000},
     "tallystick-demo/plugins"),
    ("team", "Team licence, per seat", {"USD": 14_900, "VND": 3_590_000},
     "tallystick-demo/teams/customers"),
)  # fmt: skip


async def add_product(hub: Hub, product: Product) -> Product:
    """Put a new product on the shelf. Raises Conflict where its type is taken, NotConfigured."""
    _check_access(hub, product)

    def body(tx: Connection) -> Product:
        if product_rows.find(tx, product.type) is not None:
            raise Conflict(
                f"There is a product {product.type!r} already; change it with "
                f"PUT /api/products/{product.type}."
            )
        product_rows.put(tx, product)
        return product

    return await whole(hub, body)


async def change_product(hub: Hub, product: Product) -> Product:
    """Replace what is said of a product. Raises NotFound, NotConfigured."""
    _check_access(hub, product)

    def body(tx: Connection) -> Product:
        if product_rows.find(tx, product.type) is None:
            raise NotFound(f"There is no product {product.type!r}.")
        product_rows.put(tx, product)
        found = product_rows.find(tx, product.type)
        assert found is not None  # noqa: S101 - it was written a statement ago
        return found

    return await hub.database.write(body)


async def stock_demo(hub: Hub) -> None:
    """Three products for a development server that has none."""
    now = hub.now()

    def body(tx: Connection) -> None:
        if product_rows.every(tx):
            return
        for kind, name, prices, access in _DEMO:
            product_rows.put(tx, Product(kind, name, prices, "", True, access, True, now, now))

    await hub.database.write(body)


def _check_access(hub: Hub, product: Product) -> None:
    if product.access is None:
        return
    if place(product.access) is None:
        words = 'is "owner/repository" or "organization/teams/slug"'
        raise Invalid(f"access {words}.", (("access", words),))
    if hub.access is None:
        raise NotConfigured("Set TALLYSTICK_GITHUB_TOKEN first, so that buyers can be invited.")
