"""Commissions: one for an order, clawed back by lines, and the account of who referred."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tallystick.domain.addresses import SealedAddress
from tallystick.domain.errors import Conflict
from tallystick.products.revenue import commission_rows, referrer_rows
from tallystick.products.revenue.referral import CommissionStatus, LineKind, Sum
from tallystick.products.revenue.referrer_rows import Referrer
from tests.infra.patience import patiently
from tests.store.rows import NOW, run
from tests.store.test_sales import sale

LINH = Referrer("ref_1", SealedAddress("linh", b"sealed"), "LINH", 10, NOW)
MAI = Referrer("ref_2", SealedAddress("mai", b"sealed"), "MAI", 0, NOW)


@pytest.fixture
async def books(database):
    """A database with two referrers."""
    assert await database.write(lambda tx: [referrer_rows.add(tx, one) for one in (LINH, MAI)])
    return database


def earn(tx, order="ord_1", minor=490_000, of=LINH, **words):
    """A commission on an order of so much."""
    return commission_rows.earn(tx, order, of.id, sale(order, minor, **words).worth, NOW)


async def paid(books, order="ord_1", minor=490_000):
    """A commission that was earned, approved and paid."""
    made = await books.write(lambda tx: earn(tx, order, minor))
    await books.write(lambda tx: commission_rows.approve(tx, made, NOW))
    return await books.write(lambda tx: commission_rows.pay(tx, made, NOW))


async def owed(books, of=LINH):
    """What we owe to a referrer."""
    return (await books.read(lambda tx: commission_rows.standing(tx, of.id))).balances


async def test_an_order_pays_one_commission_however_often_it_is_delivered(books):
    made = await asyncio.gather(*(patiently(books.write, earn) for _ in range(64)))

    assert sum(one is not None for one in made) == 1
    assert await owed(books) == {"VND": Sum(98_000, 400)}


async def test_a_commission_keeps_the_rate_its_source_and_its_time(books):
    await books.write(earn)

    kept = await books.read(lambda tx: commission_rows.of_order(tx, "ord_1"))

    assert (str(kept.rate.per_dollar), kept.rate.source, kept.rate.as_of) == (
        "24500", "cached", sale().worth.rate.as_of,
    )  # fmt: skip
    assert (kept.percent, kept.amount.minor, kept.usd_cents) == (20, 98_000, 400)


async def test_the_tier_that_was_reached_before_pays_the_next_order(books):
    percents = []
    for number in range(4):
        made = await books.write(lambda tx, n=number: earn(tx, f"ord_{n}", 60_000, currency="USD"))
        percents.append(made.percent)

    assert percents == [20, 25, 25, 30]


async def test_refunds_lower_the_tier(books):
    await books.write(lambda tx: earn(tx, "ord_1", 60_000, currency="USD"))
    await books.write(lambda tx: commission_rows.claw_back(tx, "ord_1", 0, 20_000, NOW))

    made = await books.write(lambda tx: earn(tx, "ord_2", 100, currency="USD"))

    assert made.percent == 20


async def test_an_upgrade_is_told_of_once_also_when_it_is_reached_again(books):
    for number in range(3):
        name = f"ord_{number}"
        await books.write(lambda tx, n=name: earn(tx, n, 60_000, currency="USD"))
        await books.write(lambda tx, n=name: commission_rows.claw_back(tx, n, 0, 60_000, NOW))

    told = await books.read(
        lambda tx: run(tx, "SELECT COUNT(*) FROM outbox WHERE type = 'commission.tier_upgraded'")
    )
    mails = await books.read(lambda tx: run(tx, "SELECT dedupe_key FROM jobs"))

    assert told == 1
    assert mails == "tier/ref_1/silver"


async def test_a_whole_refund_cancels_what_is_not_paid_out(books):
    await books.write(earn)
    await books.write(lambda tx: commission_rows.claw_back(tx, "ord_1", 0, 490_000, NOW))

    kept = await books.read(lambda tx: commission_rows.of_order(tx, "ord_1"))

    assert kept.status is CommissionStatus.CANCELLED
    assert await owed(books) == {"VND": Sum(0, 0)}


async def test_a_refund_after_the_payout_is_a_debt_that_the_next_payout_carries(books):
    await paid(books)
    await books.write(lambda tx: commission_rows.claw_back(tx, "ord_1", 0, 245_000, NOW))
    debt = await owed(books)
    done = await paid(books, "ord_2")
    (entry,) = await books.read(lambda tx: commission_rows.entries(tx, [done]))

    assert debt == {"VND": Sum(-49_000, -200)}
    assert [(line.kind, line.amount.minor) for line, _ in entry.lines] == [
        (LineKind.EARNED, 98_000), (LineKind.PAID_OUT, -49_000),
    ]  # fmt: skip
    assert await owed(books) == {"VND": Sum(0, 0)}


async def test_a_debt_that_is_larger_than_the_next_payout_stays(books):
    await paid(books)
    await books.write(lambda tx: commission_rows.claw_back(tx, "ord_1", 0, 490_000, NOW))

    await paid(books, "ord_2", 49_000)

    assert await owed(books) == {"VND": Sum(-88_200, -360)}


async def test_nothing_is_paid_before_it_is_approved_and_nothing_twice(books):
    made = await books.write(earn)

    with pytest.raises(Conflict, match="approve it first"):
        await books.write(lambda tx: commission_rows.pay(tx, made, NOW))
    await books.write(lambda tx: commission_rows.approve(tx, made, NOW))
    told = await asyncio.gather(
        *(books.write(lambda tx: commission_rows.pay(tx, made, NOW)) for _ in range(8)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, Conflict) for one in told) == 7
    assert await owed(books) == {"VND": Sum(0, 0)}


async def test_an_order_without_a_commission_has_nothing_to_claw_back(books):
    assert await books.write(lambda tx: commission_rows.claw_back(tx, "ord_9", 0, 1, NOW)) is None


async def test_accounts_of_two_referrers_are_apart(books):
    await books.write(earn)
    await books.write(lambda tx: earn(tx, "ord_2", of=MAI))
    await books.write(lambda tx: commission_rows.claw_back(tx, "ord_2", 0, 490_000, NOW))

    assert await owed(books, LINH) == {"VND": Sum(98_000, 400)}
    assert await owed(books, MAI) == {"VND": Sum(0, 0)}


async def test_a_code_is_one_persons_however_it_is_written(books):
    other = replace(LINH, id="ref_3", email=SealedAddress("other", b"sealed"))
    again = replace(LINH, id="ref_4", code="OTHER")

    assert await books.write(lambda tx: referrer_rows.add(tx, other)) is False
    assert await books.write(lambda tx: referrer_rows.add(tx, again)) is False
    assert await books.read(lambda tx: referrer_rows.find_by_code(tx, " linh ")) == LINH
    assert await books.read(lambda tx: referrer_rows.find_by_code(tx, "nobody")) is None
