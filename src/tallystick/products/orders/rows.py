"""Orders: added with their payment, moved by compare-and-set, found and listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from tallystick.domain.addresses import SealedAddress
from tallystick.domain.exchange import Rate, RateSource
from tallystick.products.orders.coupon_tables import coupons
from tallystick.products.orders.pricing import Quote
from tallystick.products.orders.rules import Buyer, Order, OrderReview, OrderStatus, Worth
from tallystick.products.orders.tables import orders
from tallystick.store.columns import AnyRow
from tallystick.store.places import before

# Not a join: PostgreSQL locks no row that an outer join may lack.
_CODE = select(coupons.c.code).where(coupons.c.id == orders.c.coupon_id).scalar_subquery()
_COLUMNS = (*orders.c, _CODE.label("coupon_code"))
_INSERT = insert(orders)
_FIND = select(*_COLUMNS).where(orders.c.id == bindparam("id"))
_OF_PAYMENT = select(*_COLUMNS).where(orders.c.payment_id == bindparam("payment_id"))
_LOCK = _OF_PAYMENT.with_for_update()
_AGREED = select(
    orders.c.currency, orders.c.usd_rate, orders.c.usd_source, orders.c.usd_as_of
).where(orders.c.payment_id == bindparam("payment_id"), orders.c.usd_rate.is_not(None))
_EMAILS = select(orders.c.id, orders.c.email_lookup, orders.c.email_sealed).where(
    orders.c.id.in_(bindparam("ids", expanding=True))
)
_MOVE = (
    update(orders)
    .where(orders.c.id == bindparam("of_id"), orders.c.status == bindparam("of_status"))
    .values(
        status=bindparam("status"),
        review=bindparam("review"),
        refunded=bindparam("refunded"),
        updated_at=bindparam("now"),
        completed_at=bindparam("completed_at"),
    )
)
_NAME = (
    update(orders)
    .where(orders.c.id == bindparam("of_id"))
    .values(github_username=bindparam("username"), updated_at=bindparam("now"))
)


def add(tx: Connection, order: Order) -> None:
    """Insert a new order beside its payment."""
    quote, buyer, worth = order.quote, order.buyer, order.worth
    values = {
        "id": order.id, "payment_id": order.payment_id, "gateway": order.gateway,
        "product_type": order.product_type, "currency": order.currency,
        "unit_amount": quote.unit, "quantity": quote.quantity, "original_amount": quote.listed,
        "coupon_discount": quote.coupon, "referral_discount": quote.referral,
        "amount": quote.final, "discount_rate": quote.rate, "coupon_id": order.coupon_id,
        "referred_by": order.referred_by, "referral_code": order.referral_code,
        "email_lookup": order.email.lookup, "email_sealed": order.email.sealed,
        "owner_id": buyer.owner_id, "team_id": buyer.team_id,
        "github_username": buyer.github_username,
        "vat_invoice_requested": buyer.vat_invoice_requested, "tax_id": buyer.tax_id,
        "metadata": dict(order.metadata),
        "usd_cents": None if worth is None else worth.usd_cents,
        "usd_rate": None if worth is None else worth.rate,
        "usd_source": None if worth is None else worth.source,
        "usd_as_of": None if worth is None else worth.as_of,
        "status": order.status, "review": order.review, "refunded": order.refunded,
        "created_at": order.created_at, "updated_at": order.updated_at,
        "completed_at": order.completed_at,
    }  # fmt: skip
    tx.execute(_INSERT, values)


def find(tx: Connection, order_id: str) -> Order | None:
    """The order, or None."""
    row = tx.execute(_FIND, {"id": order_id}).first()
    return None if row is None else _order(row)


def of_payment(tx: Connection, payment_id: str) -> Order | None:
    """The order that this payment is for, or None."""
    row = tx.execute(_OF_PAYMENT, {"payment_id": payment_id}).first()
    return None if row is None else _order(row)


def emails(tx: Connection, ids: Sequence[str]) -> dict[str, SealedAddress]:
    """The buyers' addresses of these orders, by the order's id."""
    rows = tx.execute(_EMAILS, {"ids": list(ids)}) if ids else ()
    return {row.id: SealedAddress(row.email_lookup, row.email_sealed) for row in rows}


def lock(tx: Connection, payment_id: str) -> Order | None:
    """The same, held against every other writer until this transaction ends."""
    row = tx.execute(_LOCK, {"payment_id": payment_id}).first()
    return None if row is None else _order(row)


def move(tx: Connection, before: Order, after: Order) -> bool:
    """Write what may change of an order, if its status is still the one that was read.

    The only statement that sets an order's status.
    """
    values = {
        "of_id": before.id, "of_status": before.status, "status": after.status,
        "review": after.review, "refunded": after.refunded, "now": after.updated_at,
        "completed_at": after.completed_at,
    }  # fmt: skip
    return tx.execute(_MOVE, values).rowcount == 1


def name_user(tx: Connection, order_id: str, username: str, now: datetime) -> None:
    """The buyer says whom to invite, or corrects it."""
    tx.execute(_NAME, {"of_id": order_id, "username": username, "now": now})


@dataclass(frozen=True, slots=True)
class Search:
    """Which orders a list shows. All that are set must hold.

    `equal` names columns; one that is given several values has one of them.
    """

    equal: Mapping[str, str | Sequence[str]]
    created_after: datetime | None = None
    created_before: datetime | None = None

    def __call__(self) -> Select[tuple[Any, ...]]:
        """The query, newest first. Names of columns come from the code, never from a caller."""
        query = select(*_COLUMNS).order_by(orders.c.created_at.desc(), orders.c.id.desc())
        for name, value in self.equal.items():
            column = orders.c[name]
            query = query.where(column == value if isinstance(value, str) else column.in_(value))
        if self.created_after is not None:
            query = query.where(orders.c.created_at > self.created_after)
        if self.created_before is not None:
            query = query.where(orders.c.created_at < self.created_before)
        return query


def page(
    tx: Connection, search: Search, after: tuple[datetime, str] | None, limit: int
) -> list[Order]:
    """From a place on, one more than `limit` where there are more."""
    query = search()
    if after is not None:
        query = query.where(before(orders.c.created_at, orders.c.id, after))
    return [_order(row) for row in tx.execute(query.limit(limit + 1))]


def numbered_page(tx: Connection, search: Search, number: int, limit: int) -> list[Order]:
    """Page by page, as the replaced system had it: from 1, one order more where there are more."""
    query = search().offset((number - 1) * limit).limit(limit + 1)
    return [_order(row) for row in tx.execute(query)]


def _order(row: AnyRow) -> Order:
    return Order(
        id=row.id,
        payment_id=row.payment_id,
        gateway=row.gateway,
        product_type=row.product_type,
        currency=row.currency,
        quote=Quote(
            unit=row.unit_amount, quantity=row.quantity, listed=row.original_amount,
            coupon=row.coupon_discount, referral=row.referral_discount, final=row.amount,
            rate=row.discount_rate,
        ),
        email=SealedAddress(row.email_lookup, row.email_sealed),
        buyer=Buyer(
            row.owner_id, row.team_id, row.github_username, row.vat_invoice_requested, row.tax_id,
        ),
        coupon_id=row.coupon_id,
        coupon_code=row.coupon_code,
        referred_by=row.referred_by,
        referral_code=row.referral_code,
        worth=_worth(row),
        metadata=row.metadata,
        status=OrderStatus(row.status),
        review=None if row.review is None else OrderReview(row.review),
        refunded=row.refunded,
        created_at=row.created_at,
        updated_at=row.updated_at,
        completed_at=row.completed_at,
    )  # fmt: skip


def _worth(row: AnyRow) -> Worth | None:
    if row.usd_cents is None:
        return None
    return Worth(row.usd_cents, row.usd_rate, row.usd_source, row.usd_as_of)


def agreed_rate(tx: Connection, payment_id: str) -> Rate | None:
    """The rate that an order was made at, by its payment; None where it is for something else."""
    row = tx.execute(_AGREED, {"payment_id": payment_id}).first()
    if row is None:
        return None
    return Rate(row.currency, Decimal(row.usd_rate), RateSource(row.usd_source), row.usd_as_of)
