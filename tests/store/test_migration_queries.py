"""The migration to indexes for every question keeps what a merchant has."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial

from alembic import command

from tallystick.domain.schedule import Rank
from tallystick.products.orders import grant_rows
from tallystick.products.orders.rows import Search, page
from tallystick.store import payments
from tallystick.store.connect import open_database
from tallystick.store.migrate import HEAD, config, migrate, version
from tests.store.rows import NOW, payment, plant, run

FOUNDATION = "0001"
PRODUCT = (
    "INSERT INTO products (type, name, description, licensed, active, created_at, updated_at) "
    "VALUES ('pro', 'Pro', '', 1, 1, {then}, {then})"
)
ORDER = (
    "INSERT INTO orders (id, payment_id, gateway, product_type, currency, unit_amount, quantity, "
    "original_amount, coupon_discount, referral_discount, amount, discount_rate, email, "
    "vat_invoice_requested, metadata, status, refunded, created_at, updated_at) VALUES ('ord_1', "
    "'pay_1', 'till', 'pro', 'VND', 50000, 1, 50000, 0, 0, 50000, 0, 'lan@example.com', 0, '{{}}', "
    "'pending', 0, {then}, {then})"
)
GRANT = (
    "INSERT INTO access_grants (order_id, place, username, wanted, state, note, created_at, "
    "updated_at) VALUES ('ord_1', 'us/plugins', 'Lan-Anh', 'granted', 'waiting', '', "
    "{then}, {then})"
)


async def test_the_rows_of_a_shop_are_there_after_the_migration(empty_database_url):
    database = open_database(empty_database_url)
    sqlite = database.dialect == "sqlite"
    then = str(int(NOW.timestamp()) * 1_000_000) if sqlite else f"'{NOW.isoformat()}'"
    await database.write(lambda tx: command.upgrade(config(tx), FOUNDATION))
    await database.write(lambda tx: plant(tx, "payments", asdict(payment(owner_id="user-7"))))
    for statement in (PRODUCT, ORDER, GRANT):
        await database.write(partial(run, statement=statement.format(then=then)))
    await database.close()

    assert await migrate(empty_database_url) is True

    database = open_database(empty_database_url)
    assert await database.read(version) == HEAD
    kept = await database.read(lambda tx: payments.find(tx, "pay_1"))
    assert kept == replace(payment(owner_id="user-7"), rank=Rank.OLD)
    search = Search({"email_lookup": "lan@example.com"})
    orders = await database.read(lambda tx: page(tx, search, None, 9))
    assert [order.id for order in orders] == ["ord_1"]
    grant = await database.read(lambda tx: grant_rows.find(tx, "ord_1"))
    assert grant is not None
    assert await database.read(lambda tx: grant_rows.is_wanted(tx, grant)) is True
    await database.close()
