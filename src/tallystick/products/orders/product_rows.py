"""The catalogue: products, and their price in each currency."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.products.orders.rules import Product
from tallystick.products.orders.tables import product_prices, products
from tallystick.store.columns import AnyRow

_COLUMNS = tuple(products.c)
_KEPT = ("name", "description", "licensed", "access", "active", "updated_at")
_sqlite_put, _pg_put = sqlite_insert(products), pg_insert(products)
_PUT = {
    "sqlite": _sqlite_put.on_conflict_do_update(
        index_elements=["type"], set_={name: _sqlite_put.excluded[name] for name in _KEPT}
    ),
    "postgresql": _pg_put.on_conflict_do_update(
        index_elements=["type"], set_={name: _pg_put.excluded[name] for name in _KEPT}
    ),
}
_UNPRICE = delete(product_prices).where(product_prices.c.product_type == bindparam("of_type"))
_PRICE = insert(product_prices)
_FIND = select(*_COLUMNS).where(products.c.type == bindparam("type"))
_ALL = select(*_COLUMNS).order_by(products.c.created_at, products.c.type)
_PRICES = select(
    product_prices.c.product_type, product_prices.c.currency, product_prices.c.amount
).order_by(product_prices.c.currency)
_PRICES_OF = _PRICES.where(product_prices.c.product_type == bindparam("type"))


def put(tx: Connection, product: Product) -> None:
    """Add a product, or replace what is said of it; orders keep the price that they were made at.

    Also written by the start of a development server.
    """
    values = {
        "type": product.type, "name": product.name, "description": product.description,
        "licensed": product.licensed, "access": product.access, "active": product.active,
        "created_at": product.created_at, "updated_at": product.updated_at,
    }  # fmt: skip
    tx.execute(_PUT[tx.dialect.name], values)
    tx.execute(_UNPRICE, {"of_type": product.type})
    rows = [
        {"product_type": product.type, "currency": currency, "amount": amount}
        for currency, amount in product.prices.items()
    ]
    tx.execute(_PRICE, rows)


def find(tx: Connection, product_type: str) -> Product | None:
    """The product, or None."""
    row = tx.execute(_FIND, {"type": product_type}).first()
    if row is None:
        return None
    prices = {one.currency: one.amount for one in tx.execute(_PRICES_OF, {"type": product_type})}
    return _product(row, prices)


def every(tx: Connection) -> list[Product]:
    """All products, the oldest first, also those that are not sold any more."""
    prices: dict[str, dict[str, int]] = {}
    for one in tx.execute(_PRICES):
        prices.setdefault(one.product_type, {})[one.currency] = one.amount
    return [_product(row, prices.get(row.type, {})) for row in tx.execute(_ALL)]


def created_at(tx: Connection, product_type: str, now: datetime) -> datetime:
    """Since when there is a product of this type; `now` for a new one."""
    known = find(tx, product_type)
    return now if known is None else known.created_at


def _product(row: AnyRow, prices: dict[str, int]) -> Product:
    return Product(**row._mapping, prices=prices)
