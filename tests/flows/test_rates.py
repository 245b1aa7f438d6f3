"""Exchange rates: four layers in their order, and what was frozen stays frozen."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick.domain.errors import Unavailable
from tallystick.flows.rates import latest
from tallystick.flows.schedule import run
from tests.infra.patience import patiently
from tests.store.rows import NOW
from tests.store.rows import run as run_sql


class Source:
    """A live source of the test's own, which counts its questions."""

    def __init__(self, per_dollar: str = "25000") -> None:
        self.per_dollar = per_dollar
        self.silent = False
        self.asked = 0

    async def ask(self):
        self.asked += 1
        await asyncio.sleep(0)
        if self.silent:
            raise Unavailable("Nobody answers.")
        return {"VND": Decimal(self.per_dollar), "USD": Decimal(1)}


@pytest.fixture
def source(house):
    """The house asks it."""
    made = house.hub.rates = Source()
    return made


async def told(house):
    """What a dollar buys, and which layer says so."""
    found = await latest(house.hub)
    return str(found.of("VND").per_dollar), found.source


async def test_the_four_layers_in_their_order(house, source):
    assert await told(house) == ("25000", "api")
    source.per_dollar = "26000"
    house.pass_time(minutes=59)
    assert await told(house) == ("25000", "cached")
    house.pass_time(minutes=1)
    assert await told(house) == ("26000", "api")
    source.silent = True
    house.pass_time(days=40)
    assert await told(house) == ("26000", "expired")
    await house.database.write(lambda tx: run_sql(tx, "DELETE FROM exchange_rates"))
    assert await told(house) == ("24500", "fallback")


async def test_without_a_source_there_is_the_floor(house):
    found = await latest(house.hub)

    assert found.source == "fallback"
    assert (str(found.of("VND").per_dollar), found.as_of) == ("24500", NOW)


async def test_a_slow_source_is_asked_once_for_everybody(house, source):
    await asyncio.gather(*(patiently(told, house) for _ in range(64)))

    assert source.asked == 1


async def test_a_silent_source_is_left_alone_for_a_minute(house, source):
    source.silent = True
    await asyncio.gather(*(told(house) for _ in range(8)))
    assert source.asked == 1

    house.pass_time(seconds=61)
    source.silent = False

    assert await told(house) == ("25000", "api")


async def test_the_job_refreshes_before_anybody_waits(house, source):
    done = await run(house.hub, "refresh-rates")
    house.pass_time(minutes=30)
    source.per_dollar = "26000"
    await run(house.hub, "refresh-rates")
    house.pass_time(minutes=45)

    assert (done.success, done.result) == (True, {"source": "api", "currencies": 2})
    assert await told(house) == ("26000", "cached")


async def test_the_job_without_an_answer_is_no_failure(house, source):
    source.silent = True

    done = await run(house.hub, "refresh-rates")

    assert (done.success, done.result["source"]) == (True, "fallback")


async def test_a_currency_that_the_source_forgot_is_forgotten_here_too(house, source):
    await told(house)
    source.ask = _only_lkr
    house.pass_time(hours=2)
    found = await latest(house.hub)

    assert found.of("VND").source == "fallback"
    assert found.of("LKR").source == "api"


async def _only_lkr():
    return {"LKR": Decimal(301)}


async def test_a_receipt_is_worth_what_it_was_worth_when_it_came(house, source):
    await told(house)
    payment_id, ref = await house.open(50_000)
    house.pays(ref, 50_000)
    await house.settle(payment_id)
    source.per_dollar = "50000"
    house.pass_time(hours=2)
    await told(house)
    await house.settle(payment_id)

    def kept(tx):
        return run_sql(tx, "SELECT usd_cents || ' ' || rate || ' ' || rate_source FROM valuations")

    assert await house.database.read(kept) == "200 25000 cached"


async def test_money_of_which_no_rate_is_known_is_counted_all_the_same(house):
    house.hub.settings.exchange_rate_floor = {}
    payment_id, ref = await house.open(50_000)
    house.pays(ref, 50_000)

    shown = await house.settle(payment_id)

    assert shown.phase == "paid"
    count = "SELECT COUNT(*) FROM valuations"
    assert await house.database.read(lambda tx: run_sql(tx, count)) == 0


async def test_a_clock_that_was_set_back_leaves_the_cache_fresh(house, source):
    await told(house)
    house.clock.at -= timedelta(days=1)

    assert (await told(house))[1] == "cached"
