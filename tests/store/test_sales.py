"""Sales: their daily sums move with them, and are always what one aggregate finds."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from tallystick.domain.days import end_of, start_of, zone
from tallystick.domain.exchange import Rate, RateSource, Valued
from tallystick.domain.money import Money
from tallystick.products.revenue import sale_rows
from tallystick.products.revenue.sale_rows import Sale, Span, Totals
from tests.store.rows import add, payment, run

# 23:30 in UTC is the next morning in Hanoi.
LATE = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
HANOI = "Asia/Ho_Chi_Minh"
NAMES = [f"ord_{number}" for number in range(8)]


def sale(name: str = "ord_0", minor: int = 490_000, currency: str = "VND", **words) -> Sale:
    """A sale at 24 500 dong a dollar."""
    per_dollar, source = (Decimal(1), "api") if currency == "USD" else (Decimal(24_500), "cached")
    rate = Rate(currency, per_dollar, RateSource(source), LATE)
    words = {"product": "team", "provider": "sepay", **words}
    return Sale(name, f"pay_{name}", worth=Valued.at(Money(minor, currency), rate), **words)


@pytest.fixture
async def books(database):
    """A database with payments to sell through."""
    made = [payment(f"pay_{name}") for name in NAMES]
    await database.write(lambda tx: add(tx, *made))
    return database


async def test_a_sale_and_its_refund_move_the_day(books):
    sold = await books.write(lambda tx: sale_rows.sell(tx, sale(), LATE))
    await books.write(lambda tx: sale_rows.give_back(tx, "ord_0", 0, 163_333, LATE))

    assert sold
    assert await books.read(lambda tx: sale_rows.rolled(tx, None, None)) == [
        Totals("sepay", "VND", 1, 490_000, 2_000, 1, 163_333, 667,
               {"api": 0, "cached": 1, "expired": 0, "fallback": 0})
    ]  # fmt: skip


async def test_refunds_to_the_last_dong_take_back_the_last_cent(books):
    await books.write(lambda tx: sale_rows.sell(tx, sale(minor=100_000), LATE))
    for before in range(0, 100_000, 20_000):
        await books.write(lambda tx, b=before: sale_rows.give_back(tx, "ord_0", b, 20_000, LATE))

    (line,) = await books.read(lambda tx: sale_rows.rolled(tx, None, None))

    assert line.refunds == 5
    assert (line.refunded, line.refunded_usd_cents) == (line.amount, line.usd_cents)


async def test_what_is_booked_is_booked_once(books):
    told = [await books.write(lambda tx: sale_rows.sell(tx, sale(), LATE)) for _ in range(2)]
    back = [
        await books.write(lambda tx: sale_rows.give_back(tx, "ord_0", 0, 100, LATE))
        for _ in range(2)
    ]

    assert (told, back) == ([True, False], [True, False])
    assert not await books.read(lambda tx: list(sale_rows.differences(tx)))


async def test_a_refund_of_what_was_never_sold_moves_nothing(books):
    assert not await books.write(lambda tx: sale_rows.give_back(tx, "ord_7", 0, 100, LATE))
    assert await books.read(lambda tx: sale_rows.rolled(tx, None, None)) == []


async def test_dollars_were_not_converted(books):
    await books.write(lambda tx: sale_rows.sell(tx, sale(minor=1_999, currency="USD"), LATE))

    (line,) = await books.read(lambda tx: sale_rows.rolled(tx, None, None))

    assert line.usd_cents == 1_999
    assert not any(line.sources.values())


async def test_the_evening_in_greenwich_is_the_next_day_in_hanoi(books):
    await books.write(lambda tx: sale_rows.keep_zone(tx, HANOI))
    await books.write(lambda tx: sale_rows.sell(tx, sale(), LATE))

    def orders(tx, day):
        return sum(line.orders for line in sale_rows.rolled(tx, day, day))

    assert await books.read(lambda tx: orders(tx, date(2026, 11, 20))) == 0
    assert await books.read(lambda tx: orders(tx, date(2026, 11, 21))) == 1


async def test_a_merchant_who_moves_has_all_days_counted_anew(books):
    for number, name in enumerate(NAMES):
        at = LATE + timedelta(hours=7 * number)
        await books.write(lambda tx, n=name, at=at: sale_rows.sell(tx, sale(n), at))
        await books.write(lambda tx, n=name, at=at: sale_rows.give_back(tx, n, 0, 1_000, at))

    moved = [await books.write(lambda tx: sale_rows.keep_zone(tx, HANOI)) for _ in range(2)]

    assert moved == [True, False]
    assert not await books.read(lambda tx: list(sale_rows.differences(tx)))
    (line,) = await books.read(
        lambda tx: sale_rows.rolled(tx, date(2026, 11, 21), date(2026, 11, 21))
    )
    assert (line.orders, line.refunds) == (3, 3)


async def test_filters_combine(books):
    for name, words in (("ord_0", {}), ("ord_1", {"product": "solo"}),
                        ("ord_2", {"provider": "polar"}),
                        ("ord_3", {"product": "solo", "provider": "polar"})):  # fmt: skip
        await books.write(lambda tx, n=name, w=words: sale_rows.sell(tx, sale(n, **w), LATE))
    later = LATE + timedelta(days=2)
    await books.write(lambda tx: sale_rows.sell(tx, sale("ord_4", product="solo"), later))

    def count(tx, *words):
        return sum(line.orders for line in sale_rows.summed(tx, *words))

    day = Span(LATE, LATE + timedelta(hours=1))
    assert await books.read(lambda tx: count(tx, Span())) == 5
    assert await books.read(lambda tx: count(tx, day)) == 4
    assert await books.read(lambda tx: count(tx, day, ["solo"])) == 2
    assert await books.read(lambda tx: count(tx, day, ["solo"], ["sepay"])) == 1
    assert await books.read(lambda tx: count(tx, Span(), ["solo"], ["sepay"])) == 2


async def test_the_daily_sums_and_the_full_aggregate_say_the_same(books):
    """Over all days at random, with refunds, in the merchant's own days."""
    luck = Random(7)
    await books.write(lambda tx: sale_rows.keep_zone(tx, "America/New_York"))
    for name in NAMES:
        at = LATE + timedelta(minutes=luck.randrange(5_000))
        minor, gateway = luck.randrange(1_000, 900_000), luck.choice(["sepay", "polar"])
        made = sale(name, minor, luck.choice(["VND", "USD"]), provider=gateway)
        await books.write(lambda tx, m=made, at=at: sale_rows.sell(tx, m, at))
        back = luck.randrange(1, minor)
        later = at + timedelta(minutes=luck.randrange(3_000))
        await books.write(lambda tx, n=name, b=back, at=later: sale_rows.give_back(tx, n, 0, b, at))
    first, last = date(2026, 11, 21), date(2026, 11, 23)
    where = zone("America/New_York")
    span = Span(start_of(first, where), end_of(last, where))

    kept = await books.read(lambda tx: sale_rows.rolled(tx, first, last))
    summed = await books.read(lambda tx: sale_rows.summed(tx, span))

    assert kept == summed
    assert sum(line.orders for line in kept) > 0


async def test_a_day_that_was_tampered_with_is_named(books):
    await books.write(lambda tx: sale_rows.sell(tx, sale(), LATE))
    await books.write(lambda tx: run(tx, "UPDATE revenue_daily SET usd_cents = usd_cents + 1"))

    (told,) = await books.read(lambda tx: list(sale_rows.differences(tx)))

    assert told.startswith("2026-11-20 sepay VND says (1, 490000, 2001,")


async def test_64_at_once_leave_the_sums_equal_to_the_sales(books):
    async def both(name):
        await books.write(lambda tx: sale_rows.sell(tx, sale(name), LATE))
        await books.write(lambda tx: sale_rows.give_back(tx, name, 0, 1_000, LATE))

    await asyncio.gather(*(both(name) for name in NAMES * 8))

    (line,) = await books.read(lambda tx: sale_rows.rolled(tx, None, None))
    assert (line.orders, line.refunds) == (len(NAMES), len(NAMES))
    assert not await books.read(lambda tx: list(sale_rows.differences(tx)))
