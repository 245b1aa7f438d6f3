"""What orders earn, through the flows: revenue, commissions and payouts, and their flaws mended."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from tallystick.domain.errors import CurrencyUnknown, Invalid
from tallystick.flows.audit import audit
from tallystick.flows.effects import do_effects
from tallystick.products import CHECKS
from tallystick.products.revenue import commission_rows
from tallystick.products.revenue.refer import approve, pay, show
from tallystick.products.revenue.report import Wanted, keep_days, maintainers, revenue
from tests.flows.business import Business
from tests.flows.test_rates import Source
from tests.store.rows import run


@pytest.fixture(autouse=True)
async def _stocked(house):
    """A product to sell; after each story the books are in order."""
    await house.stock()
    yield
    assert await audit(house.database, CHECKS) == []


async def bought(house, email="mai@example.vn", **wish):
    """An order that is paid."""
    return await house.pays_order(await house.order(email, **wish))


async def commission_of(house, order):
    return await house.database.read(lambda tx: commission_rows.of_order(tx, order.id))


async def test_revenue_stays_what_it_was_when_the_rate_moves(house):
    """The replaced system converted at today's rate, in floats: old reports changed every day."""
    source = house.hub.rates = Source("25000")
    await bought(house)
    before = await revenue(house.hub, Wanted())
    source.per_dollar = "12500"
    house.pass_time(days=1)

    after = await revenue(house.hub, Wanted())
    second = await bought(house)

    assert (before.total, after.total) == (200, 200)
    assert second.worth.usd_cents == 400
    assert (await revenue(house.hub, Wanted())).total == 600


async def test_a_late_payer_pays_at_the_rate_that_was_agreed(house):
    source = house.hub.rates = Source("25000")
    order = await house.order()
    source.per_dollar = "12500"
    house.pass_time(days=3)

    done = await house.pays_order(order)

    assert done.status == "completed"
    assert (await revenue(house.hub, Wanted())).total == 200
    kept = "SELECT usd_cents FROM valuations"
    assert await house.database.read(lambda tx: run(tx, kept)) == 200


async def test_filters_of_the_report_hold_together(house):
    """In the replaced order system report filters overwrote each other: the last one won."""
    await bought(house)
    house.pass_time(days=2)
    await bought(house)
    day, later = date(2026, 11, 20), date(2026, 11, 22)

    async def count(**words):
        return (await revenue(house.hub, Wanted(**words))).orders

    assert await count(start=day, end=later) == 2
    assert await count(start=day, end=day) == 1
    assert await count(start=day, end=day, products=("pro",), providers=("till",)) == 1
    assert await count(start=day, end=day, products=("other",)) == 0
    assert await count(products=("pro",), providers=("polar",)) == 0
    assert await count(start=later, products=("pro",)) == 1


async def test_another_time_zone_is_another_day(house):
    house.clock.at = house.clock.at.replace(hour=23)
    await bought(house)
    day = date(2026, 11, 21)

    async def count(zone):
        return (await revenue(house.hub, Wanted(day, day, zone))).orders

    assert await count("UTC") == 0
    assert await count("Asia/Ho_Chi_Minh") == 1


async def test_a_merchant_who_sets_a_time_zone_has_days_there(house):
    house.clock.at = house.clock.at.replace(hour=23)
    await bought(house)
    house.hub.settings.time_zone = "Asia/Ho_Chi_Minh"

    assert await keep_days(house.hub) is True
    day = date(2026, 11, 21)
    assert (await revenue(house.hub, Wanted(day, day))).orders == 1


@pytest.mark.parametrize(
    "wanted",
    [Wanted(zone="Mars/Olympus"), Wanted(date(2026, 11, 2), date(2026, 11, 1))],
)
async def test_a_report_that_makes_no_sense_is_refused(house, wanted):
    with pytest.raises(Invalid):
        await revenue(house.hub, wanted)


async def test_an_order_in_a_currency_without_a_rate_is_refused_before_it_is_made(house):
    house.hub.settings.exchange_rate_floor = {}

    with pytest.raises(CurrencyUnknown):
        await house.order()


async def test_64_settles_at_once_book_each_order_once(house):
    """The replaced system marked a failed event as processed, and counted a repeated one again."""
    await house.referrer()
    made = [await house.order(f"b{n}@example.vn", referral_code="LINH") for n in range(16)]
    refs = list(house.till.books)[-16:]
    for order, ref in zip(made, refs, strict=True):
        house.pays(ref, order.quote.final)

    await asyncio.gather(*(house.settle(order.payment_id) for order in made * 4))

    assert (await revenue(house.hub, Wanted())).orders == 16
    count = "SELECT COUNT(*) FROM commissions"
    assert await house.database.read(lambda tx: run(tx, count)) == 16


async def test_a_refund_claws_back_at_the_original_rate(house):
    source = house.hub.rates = Source("25000")
    who = await house.referrer()
    order = await bought(house, referral_code="LINH")
    source.per_dollar = "12500"
    house.pass_time(hours=2)

    await house.gives_back(order, 25_000)

    known = await show(house.hub, who.id)
    (owed,) = known.standing.balances.values()
    assert (known.standing.referred_usd_cents, owed.minor, owed.usd_cents) == (100, 5_000, 20)
    told = await revenue(house.hub, Wanted())
    assert (told.total, told.refunded) == (200, 100)


async def test_a_refund_after_the_payout_leaves_a_negative_balance(house):
    who = await house.referrer()
    order = await bought(house, referral_code="LINH")
    made = await commission_of(house, order)
    await approve(house.hub, made.id)
    await pay(house.hub, made.id)

    await house.gives_back(order, 50_000)

    known = await show(house.hub, who.id)
    assert known.standing.balances["VND"].minor == -10_000
    assert (await commission_of(house, order)).status == "paid"


async def test_nobody_earns_from_their_own_order(house):
    await house.referrer()

    with pytest.raises(Invalid, match="your own"):
        await house.order("Linh+shop@Example.com", referral_code="linh")


async def test_the_maintainers_are_paid_what_is_left_of_a_month(house):
    house.hub.settings.operating_costs_usd_cents = 30
    for _ in range(2):
        await bought(house)
    house.pass_time(days=20)
    await bought(house)

    found, span = await maintainers(house.hub, Wanted(date(2026, 11, 1), date(2026, 11, 30)))

    # Twice 204 cents: 50 000 dong at 24 500.
    assert (found.gross, found.costs, found.tax, found.net) == (408, 30, 64, 314)
    assert span == (date(2026, 11, 1), date(2026, 11, 30))


@pytest.mark.slow
async def test_a_business_of_many_days_is_what_the_gateways_books_say(house):
    """Seeded; `python -m bench business` plays ten thousand orders."""
    business = Business(house, 20_261_120)

    await business.trade(80)

    assert (await business.check())["paid"] > 50


async def test_a_referrer_who_reaches_a_tier_is_written_once(house):
    await house.stock(prices={"VND": 15_000_000})
    await house.referrer(email="linh@example.com")

    for buyer in ("an@example.vn", "binh@example.vn"):
        await house.pays_order(await house.order(buyer, referral_code="LINH"))
        await do_effects(house.hub)

    tiers = [letter for letter in house.letters.letters if letter.name.startswith("tier/")]
    assert [(letter.to, letter.subject) for letter in tiers] == [
        ("linh@example.com", "You have reached Silver")
    ]
