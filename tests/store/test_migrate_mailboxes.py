"""A merchant's coupons come through the step that counts customers by their mailboxes."""

from __future__ import annotations

from datetime import UTC, datetime

from alembic import command
from sqlalchemy import Connection

from tallystick.products import CHECKS
from tallystick.store.columns import Instant
from tallystick.store.connect import open_database
from tallystick.store.migrate import config, migrate
from tests.store.rows import run

WHEN = datetime(2026, 11, 20, 9, tzinfo=UTC)
PAYMENT = """
INSERT INTO payments (id, purpose, phase, amount_state, late, amount, currency, received, refunded,
  refund_reserved, late_policy, retriable, tolerance, description, metadata, test_mode, created_at,
  updated_at, opened_at, expires_at, next_check_at, version)
VALUES ('pay_{n}', 'order', 'open', 'none', 0, 45000, 'VND', 0, 0, 0, 'auto_fulfil', 0, 0, '',
  '{{}}', 0, :at, :at, :at, :at, :at, 1)
"""
ORDER = """
INSERT INTO orders (id, payment_id, gateway, product_type, currency, unit_amount, quantity,
  original_amount, coupon_discount, referral_discount, amount, discount_rate, coupon_id, email,
  vat_invoice_requested, metadata, status, refunded, created_at, updated_at)
VALUES ('ord_{n}', 'pay_{n}', 'till', 'pro', 'VND', 50000, 1, 50000, 5000, 0, 45000, 10, 'cpn_1',
  '{email}', 0, '{{}}', 'pending', 0, :at, :at)
"""
USE = """
INSERT INTO coupon_uses (order_id, coupon_id, customer, state, created_at, updated_at)
VALUES ('ord_{n}', 'cpn_1', '{email}', 'reserved', :at, :at)
"""
COUNTED = "INSERT INTO coupon_customers (coupon_id, customer, used) VALUES ('cpn_1', '{email}', 1)"
EMAILS = ("mai@gmail.com", "m.ai+2@gmail.com", "lan.anh@gmail.com", "an+1@example.vn")


def before(tx: Connection) -> None:
    """The database as the first step left it, with a coupon that Mai has used twice."""
    command.upgrade(config(tx), "0001")
    at = Instant().process_bind_param(WHEN, tx.dialect)
    run(
        tx,
        "INSERT INTO products (type, name, description, licensed, active, created_at, updated_at) "
        "VALUES ('pro', 'Pro', '', 0, 1, :at, :at)",
        at=at,
    )
    run(
        tx,
        "INSERT INTO coupons (id, code, type, percent, per_customer, reserved, redeemed, elsewhere,"
        " active, created_at, updated_at)"
        " VALUES ('cpn_1', 'TEN', 'percent', 10, 1, 4, 0, 0, 1, :at, :at)",
        at=at,
    )
    for number, email in enumerate(EMAILS):
        for statement in (PAYMENT, ORDER, USE):
            run(tx, statement.format(n=number, email=email), at=at)
        run(tx, COUNTED.format(email=email))


async def test_who_used_a_coupon_by_two_spellings_keeps_both_uses_and_gets_no_third(
    empty_database_url,
):
    old = open_database(empty_database_url)
    await old.write(before)
    await old.close()

    assert await migrate(empty_database_url) is True

    database = open_database(empty_database_url)
    rows = (
        "SELECT customer || ' ' || used || ' ' || granted FROM coupon_customers ORDER BY customer"
    )
    uses = "SELECT customer FROM coupon_uses ORDER BY order_id"
    counted = await database.read(lambda tx: list(tx.exec_driver_sql(rows).scalars()))
    used = await database.read(lambda tx: list(tx.exec_driver_sql(uses).scalars()))
    broken = await database.read(
        lambda tx: [line for one in CHECKS if one.invariant == "M7" for line in one.broken(tx)]
    )
    await database.close()
    assert counted == ["an+1@example.vn 1 0", "lananh@gmail.com 1 0", "mai@gmail.com 2 2"]
    assert used == ["mai@gmail.com", "mai@gmail.com", "lananh@gmail.com", "an+1@example.vn"]
    assert broken == []
