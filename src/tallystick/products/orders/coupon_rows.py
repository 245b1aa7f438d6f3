"""Coupons and their uses: counted by conditional updates, so that no race passes a limit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Text,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.errors import Conflict, CouponOver, CouponUsedUp
from tallystick.products.orders.coupon import Coupon, CouponType, SyncOutcome, UseState
from tallystick.products.orders.coupon_tables import (
    coupon_amounts,
    coupon_customers,
    coupon_uses,
    coupons,
)
from tallystick.store.columns import AnyRow
from tallystick.store.places import window

_COLUMNS = tuple(coupons.c)
_ADD = {
    "sqlite": sqlite_insert(coupons).on_conflict_do_nothing(),
    "postgresql": pg_insert(coupons).on_conflict_do_nothing(),
}
_ADD_AMOUNTS = insert(coupon_amounts)
_FIND = select(*_COLUMNS).where(coupons.c.id == bindparam("id"))
_BY_CODE = select(*_COLUMNS).where(coupons.c.code == bindparam("code"))
_AT_POLAR = (
    select(coupons.c.id)
    .where(coupons.c.polar_discount_id.is_not(None), coupons.c.id > bindparam("last_id"))
    .order_by(coupons.c.id)
    .limit(bindparam("limit"))
)
_AMOUNTS = select(coupon_amounts.c.coupon_id, coupon_amounts.c.currency, coupon_amounts.c.amount)
_AMOUNTS_OF = _AMOUNTS.where(coupon_amounts.c.coupon_id.in_(bindparam("ids", expanding=True)))
_END = (
    update(coupons)
    .where(coupons.c.id == bindparam("of_id"), coupons.c.active == 1)
    .values(active=False, updated_at=bindparam("now"))
)


def add(tx: Connection, coupon: Coupon) -> None:
    """Keep a new coupon. Raises Conflict where its code or its discount at Polar is taken."""
    values = {column.name: getattr(coupon, column.name) for column in _COLUMNS}
    if tx.execute(_ADD[tx.dialect.name], values).rowcount != 1:
        raise Conflict(
            f"There is a coupon with the code {coupon.code}, or with this discount at Polar."
        )
    rows = [
        {"coupon_id": coupon.id, "currency": currency, "amount": amount}
        for currency, amount in coupon.amounts.items()
    ]
    if rows:
        tx.execute(_ADD_AMOUNTS, rows)


def find(tx: Connection, coupon_id: str) -> Coupon | None:
    """The coupon, or None."""
    row = tx.execute(_FIND, {"id": coupon_id}).first()
    return None if row is None else _coupons(tx, [row])[0]


def by_code(tx: Connection, code: str) -> Coupon | None:
    """The coupon with this code in its normal form, or None."""
    row = tx.execute(_BY_CODE, {"code": code}).first()
    return None if row is None else _coupons(tx, [row])[0]


def at_polar(tx: Connection, last_id: str, limit: int) -> list[str]:
    """The next coupons that live at Polar too, by id after `last_id`."""
    return list(tx.execute(_AT_POLAR, {"last_id": last_id, "limit": limit}).scalars())


def end(tx: Connection, coupon_id: str, now: datetime) -> None:
    """Nobody can use it any more. Orders that hold it keep it. Safe to repeat."""
    tx.execute(_END, {"of_id": coupon_id, "now": now})


def page(
    tx: Connection,
    *,
    code: str | None,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Coupon]:
    """Newest first, one more than `limit` where there are more."""
    query = select(*_COLUMNS).order_by(coupons.c.created_at.desc(), coupons.c.id.desc())
    if code is not None:
        query = query.where(coupons.c.code == code)
    query = window(query, coupons.c.created_at, coupons.c.id, span, after)
    return _coupons(tx, list(tx.execute(query.limit(limit + 1))))


_ROOM = or_(
    coupons.c.max_redemptions.is_(None),
    coupons.c.reserved + coupons.c.redeemed + coupons.c.elsewhere < coupons.c.max_redemptions,
)
_RESERVE = (
    update(coupons)
    .where(
        coupons.c.id == bindparam("of_id"),
        coupons.c.active == 1,
        or_(coupons.c.expires_at.is_(None), coupons.c.expires_at > bindparam("now")),
        _ROOM,
    )
    .values(reserved=coupons.c.reserved + 1)
)
_KEEP = (
    update(coupons)
    .where(coupons.c.id == bindparam("of_id"))
    .values(reserved=coupons.c.reserved - 1, redeemed=coupons.c.redeemed + 1)
)
_RELEASE = (
    update(coupons)
    .where(coupons.c.id == bindparam("of_id"))
    .values(reserved=coupons.c.reserved - 1)
)
_TAKE_LATE = (
    update(coupons)
    .where(coupons.c.id == bindparam("of_id"), _ROOM)
    .values(redeemed=coupons.c.redeemed + 1)
)
_MEET = {
    "sqlite": sqlite_insert(coupon_customers).on_conflict_do_nothing(),
    "postgresql": pg_insert(coupon_customers).on_conflict_do_nothing(),
}
_ALLOWED = (
    select(func.coalesce(coupons.c.per_customer, 2**53))
    .where(coupons.c.id == coupon_customers.c.coupon_id)
    .scalar_subquery()
)
_COUNT = (
    update(coupon_customers)
    .where(
        coupon_customers.c.coupon_id == bindparam("of_coupon"),
        coupon_customers.c.customer == bindparam("of_customer"),
        coupon_customers.c.used < _ALLOWED,
    )
    .values(used=coupon_customers.c.used + 1)
)
_UNCOUNT = (
    update(coupon_customers)
    .where(
        coupon_customers.c.coupon_id == bindparam("of_coupon"),
        coupon_customers.c.customer == bindparam("of_customer"),
    )
    .values(used=coupon_customers.c.used - 1)
)
_USE = insert(coupon_uses)
_MOVE_USE = (
    update(coupon_uses)
    .where(coupon_uses.c.order_id == bindparam("of_order"), coupon_uses.c.state == bindparam("was"))
    .values(state=bindparam("state"), updated_at=bindparam("now"))
)
_USE_OF = select(
    coupon_uses.c.coupon_id, coupon_uses.c.customer, coupon_uses.c.state
).where(coupon_uses.c.order_id == bindparam("order_id"))  # fmt: skip


_KNOWN_AS = select(coupon_customers.c.customer).where(
    coupon_customers.c.coupon_id == bindparam("coupon_id"),
    coupon_customers.c.customer.in_(bindparam("names", expanding=True)),
)
_HOLD_STILL = select(coupons.c.id).where(coupons.c.id == bindparam("id")).with_for_update()
_COUNTED = select(coupon_customers.c.used, coupon_customers.c.granted).where(
    coupon_customers.c.coupon_id == bindparam("coupon_id"),
    coupon_customers.c.customer.in_(bindparam("names", expanding=True)),
)
_DROP_COUNTS = delete(coupon_customers).where(
    coupon_customers.c.coupon_id == bindparam("coupon_id"),
    coupon_customers.c.customer.in_(bindparam("names", expanding=True)),
)
_RENAME_USES = (
    update(coupon_uses)
    .where(
        coupon_uses.c.coupon_id == bindparam("of_coupon"),
        coupon_uses.c.customer.in_(bindparam("names", expanding=True)),
    )
    .values(customer=bindparam("name"))
)
_UNNAMED = (
    select(coupon_customers.c.coupon_id, coupon_customers.c.customer)
    .where(
        tuple_(coupon_customers.c.coupon_id, coupon_customers.c.customer)
        > tuple_(bindparam("after_coupon", type_=Text()), bindparam("after", type_=Text())),
        coupon_customers.c.customer.like("%@%"),
    )
    .order_by(coupon_customers.c.coupon_id, coupon_customers.c.customer)
    .limit(bindparam("limit"))
)


def reserve(
    tx: Connection, coupon_id: str, order_id: str, names: Sequence[str], now: datetime
) -> None:
    """Hold one use for a new order. Raises CouponOver, CouponUsedUp; then nothing is held.

    The customer is counted under one of `names`: the one in use, or else the first.

    The coupon's row comes first and the customer's second, here and everywhere, so that two
    transactions never wait for each other.
    """
    if tx.execute(_RESERVE, {"of_id": coupon_id, "now": now}).rowcount != 1:
        raise _why_not(find(tx, coupon_id), now)
    known = set(tx.execute(_KNOWN_AS, {"coupon_id": coupon_id, "names": list(names)}).scalars())
    customer = next((name for name in names if name in known), names[0])
    if not _count(tx, coupon_id, customer):
        raise CouponUsedUp("You have used this coupon as often as one customer may.")
    use = {
        "order_id": order_id, "coupon_id": coupon_id, "customer": customer,
        "state": UseState.RESERVED, "created_at": now, "updated_at": now,
    }  # fmt: skip
    tx.execute(_USE, use)


def keep(tx: Connection, order_id: str, now: datetime) -> None:
    """The order is paid: what was held for it is used for good. Safe to repeat."""
    if _moved(tx, order_id, UseState.RESERVED, UseState.REDEEMED, now):
        coupon_id, _ = _use_of(tx, order_id)
        tx.execute(_KEEP, {"of_id": coupon_id})


def release(tx: Connection, order_id: str, now: datetime) -> None:
    """The order came to nothing: others may use what was held for it. Safe to repeat."""
    if _moved(tx, order_id, UseState.RESERVED, UseState.RELEASED, now):
        coupon_id, customer = _use_of(tx, order_id)
        tx.execute(_RELEASE, {"of_id": coupon_id})
        tx.execute(_UNCOUNT, {"of_coupon": coupon_id, "of_customer": customer})


def take_late(tx: Connection, order_id: str, now: datetime) -> bool:
    """The order is paid after all: use what was released, if nobody else has used it up.

    It was ordered in time, so it does not matter that the coupon may be over by now.
    """
    coupon_id, _ = _use_of(tx, order_id)
    if tx.execute(_TAKE_LATE, {"of_id": coupon_id}).rowcount != 1:
        return False
    # Read while the coupon's row is ours: until then the customer may get another name.
    _, customer = _use_of(tx, order_id)
    if not _count(tx, coupon_id, customer):
        tx.execute(_GIVE_BACK, {"of_id": coupon_id})
        return False
    return _moved(tx, order_id, UseState.RELEASED, UseState.REDEEMED, now)


_GIVE_BACK = (
    update(coupons)
    .where(coupons.c.id == bindparam("of_id"))
    .values(redeemed=coupons.c.redeemed - 1)
)
_TOLD = (
    update(coupons)
    .where(coupons.c.id == bindparam("of_id"), coupons.c.redeemed == bindparam("of_redeemed"))
    .values(
        elsewhere=bindparam("elsewhere"),
        polar_outcome=bindparam("outcome"),
        polar_told_at=bindparam("now"),
    )
)


def told(
    tx: Connection, coupon: Coupon, outcome: SyncOutcome, elsewhere: int, now: datetime
) -> bool:
    """What telling Polar came to, and what it has redeemed itself.

    False where we have redeemed more of it meanwhile than Polar was told of.
    """
    values = {
        "of_id": coupon.id, "of_redeemed": coupon.redeemed, "outcome": outcome,
        "elsewhere": elsewhere, "now": now,
    }  # fmt: skip
    return tx.execute(_TOLD, values).rowcount == 1


def rename(tx: Connection, coupon_id: str, names: Sequence[str]) -> None:
    """Count the customer of these names under the first of them. Safe to repeat.

    How often the coupon was used stays known. Uses under two names are kept, and allow no more.
    """
    tx.execute(_HOLD_STILL, {"id": coupon_id})
    others = {"coupon_id": coupon_id, "names": list(names[1:])}
    if not tx.execute(_COUNTED, others).all():
        return
    every = {"coupon_id": coupon_id, "names": list(names)}
    counted = tx.execute(_COUNTED, every).all()
    used = sum(row.used for row in counted)
    granted = counted[0].granted if len(counted) == 1 else used
    tx.execute(_RENAME_USES, {"of_coupon": coupon_id, "names": list(names[1:]), "name": names[0]})
    tx.execute(_DROP_COUNTS, every)
    row = {"coupon_id": coupon_id, "customer": names[0], "used": used, "granted": granted}
    tx.execute(_MEET[tx.dialect.name], row)


def coupon_of(tx: Connection, order_id: str) -> str | None:
    """The coupon that an order uses, or None."""
    row = tx.execute(_USE_OF, {"order_id": order_id}).first()
    return None if row is None else str(row.coupon_id)


def unnamed(tx: Connection, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
    """The next customers that still stand there by their mailbox: coupon and customer."""
    values = {"after_coupon": after[0], "after": after[1], "limit": limit}
    return [(row.coupon_id, row.customer) for row in tx.execute(_UNNAMED, values)]


def _count(tx: Connection, coupon_id: str, customer: str) -> bool:
    tx.execute(_MEET[tx.dialect.name], {"coupon_id": coupon_id, "customer": customer, "used": 0})
    counted = tx.execute(_COUNT, {"of_coupon": coupon_id, "of_customer": customer})
    return counted.rowcount == 1


def _moved(tx: Connection, order_id: str, was: UseState, state: UseState, now: datetime) -> bool:
    values = {"of_order": order_id, "was": was, "state": state, "now": now}
    return tx.execute(_MOVE_USE, values).rowcount == 1


def _use_of(tx: Connection, order_id: str) -> tuple[str, str]:
    row = tx.execute(_USE_OF, {"order_id": order_id}).one()
    return row.coupon_id, row.customer


def _why_not(coupon: Coupon | None, now: datetime) -> Conflict:
    if coupon is None or not coupon.active:
        return CouponOver("This coupon is not valid any more.")
    if coupon.expires_at is not None and coupon.expires_at <= now:
        return CouponOver(f"The coupon {coupon.code} has expired.")
    return CouponUsedUp(f"The coupon {coupon.code} is used up.")


def _coupons(tx: Connection, rows: list[AnyRow]) -> list[Coupon]:
    amounts: dict[str, dict[str, int]] = {}
    for one in tx.execute(_AMOUNTS_OF, {"ids": [row.id for row in rows]}) if rows else ():
        amounts.setdefault(one.coupon_id, {})[one.currency] = one.amount
    return [_coupon(row._mapping, amounts.get(row.id, {})) for row in rows]


def _coupon(row: Mapping[Any, Any], amounts: Mapping[str, int]) -> Coupon:
    values: dict[str, Any] = dict(row)
    outcome = values["polar_outcome"]
    values["type"] = CouponType(str(values["type"]))
    values["polar_outcome"] = None if outcome is None else SyncOutcome(str(outcome))
    return Coupon(**values, amounts=amounts)
