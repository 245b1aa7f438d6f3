"""A merchant's buyers, referrers and coupons come through the step that seals their addresses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tallystick.domain.addresses import CUSTOMERS, ORDERS, Addresses
from tallystick.domain.errors import CouponUsedUp
from tallystick.flows.addresses import seal_rest
from tallystick.flows.audit import audit
from tallystick.flows.forget import forget_person
from tallystick.flows.tidy import tidy
from tallystick.products import CHECKS
from tallystick.products.orders import rows as orders
from tallystick.products.orders.ordering import email_of
from tallystick.products.orders.rows import Search
from tallystick.products.revenue import referrer_rows
from tallystick.products.revenue.refer import email_of as referrers_email
from tallystick.store import forgetting
from tallystick.store.connect import open_database
from tallystick.store.migrate import migrate
from tests.store.house import SECRET, House
from tests.store.merchants import load
from tests.store.rows import run

BUYER = "mai@example.vn"
KNOWN = (BUYER, "an@example.vn", "binh@example.vn", "linh@example.com")


@pytest.fixture
async def house(empty_database_url):
    """A merchant of the first version, right after the migration."""
    await load(empty_database_url, "0001")
    await migrate(empty_database_url)
    database = open_database(empty_database_url)
    yield House(database)
    await database.close()


def every_text(tx: Connection) -> str:
    """All rows of all tables."""
    listed = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if tx.dialect.name == "postgresql":
        listed = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    names = tx.execute(text(listed)).scalars().all()
    return "".join(str(tx.execute(text(f'SELECT * FROM "{name}"')).all()) for name in names)


async def found(house: House, address: str) -> list[str]:
    """The buyers' addresses of the orders that a list by this address shows."""
    lookups = Addresses.of(SECRET).lookups(ORDERS, address)
    search = Search({"email_lookup": lookups})
    rows = await house.database.read(lambda tx: orders.page(tx, search, None, 100))
    return [email_of(house.hub, row) for row in rows]


async def test_an_order_is_found_by_its_address_before_it_is_sealed_and_after(house):
    before = await found(house, BUYER)
    due = await house.database.read(
        lambda tx: run(tx, "SELECT count(*) FROM orders WHERE email_sealed IS NULL")
    )

    await tidy(house.hub)

    assert due == 3
    assert before == await found(house, BUYER) == [BUYER]
    assert await found(house, BUYER.upper()) == [BUYER]
    assert await audit(house.database, CHECKS) == []


async def test_the_first_tidy_leaves_no_address_that_can_be_read(house, empty_database_url):
    assert BUYER in await house.database.read(every_text)

    went = await tidy(house.hub)

    kept = await house.database.read(every_text)
    assert went["sealed"] >= 9
    assert [one for one in KNOWN if one in kept] == []
    assert await seal_rest(house.hub) == 0
    [referrer] = await house.database.read(
        lambda tx: referrer_rows.page(tx, span=(None, None), after=None, limit=9)
    )
    assert referrers_email(house.hub, referrer) == "linh@example.com"
    await house.database.close()
    if empty_database_url.startswith("sqlite"):
        file = Path(empty_database_url.removeprefix("sqlite:///"))
        left = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
        assert [one for one in KNOWN if one.encode() in left] == []


async def test_what_was_told_of_orders_is_kept_without_the_address_and_append_only_again(house):
    told = await house.database.read(
        lambda tx: tx.execute(text("SELECT data FROM outbox WHERE type LIKE 'order.%'")).scalars()
        .all()
    )  # fmt: skip

    assert len(told) == 3
    assert {json.loads(one)["email"] for one in told} == {None}
    assert {json.loads(one)["productType"] for one in told} == {"pro"}
    with pytest.raises(DBAPIError, match="append-only"):
        await house.database.write(lambda tx: tx.execute(text("UPDATE outbox SET type = 'x'")))


async def test_a_customer_who_has_used_a_coupon_up_gets_no_second_one_at_any_moment(house):
    counted = "SELECT customer, used, granted FROM coupon_customers ORDER BY used, customer"
    await house.database.write(lambda tx: tx.execute(text("UPDATE coupons SET per_customer = 1")))
    code = await house.database.read(lambda tx: run(tx, "SELECT code FROM coupons"))

    with pytest.raises(CouponUsedUp):
        await house.order(BUYER.title(), coupon_code=code)
    await seal_rest(house.hub)
    with pytest.raises(CouponUsedUp):
        await house.order(BUYER, coupon_code=code)

    rows = await house.database.read(lambda tx: tx.execute(text(counted)).all())
    names = {Addresses.of(SECRET).lookup(CUSTOMERS, one) for one in (BUYER, "an@example.vn")}
    assert {row.customer for row in rows} == names
    assert [(row.used, row.granted) for row in rows] == [(1, 0), (1, 0)]
    assert await audit(house.database, CHECKS) == []


async def test_a_buyer_of_before_is_forgotten_though_nothing_was_sealed_yet(house):
    erased = await forget_person(house.hub, BUYER.upper(), "asked")

    kept = await house.database.read(every_text)
    assert erased["buyers"] == 1
    assert BUYER not in kept
    assert await found(house, BUYER) == []
    assert await found(house, forgetting.GONE) == [forgetting.GONE]
