"""Maintainers: dated fees, running costs by the day, and tax that is never on a loss."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.products.revenue.payout import FEES, Fee, Takings, Terms, costs_of, fees_of, payout

NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))
DAY = date(2026, 11, 20)
cents = st.integers(0, 10**9)


def takings(usd_cents: int, orders: int = 1, provider: str = "sepay", back: int = 0) -> Takings:
    return Takings(DAY, provider, orders, usd_cents, back)


def test_a_month_is_accounted_for():
    sold = [takings(300_000, 20, "polar"), takings(200_000, 30, back=20_000)]

    found = payout(Terms(), sold, sold, NOVEMBER)

    # Polar keeps 5 % and 50 ¢ a sale, SePay nothing; 17 % of 480000 - 16000 - 50000.
    assert (found.gross, found.fees, found.costs) == (480_000, 16_000, 50_000)
    assert (found.tax, found.net) == (70_380, 343_620)


def test_a_loss_is_not_taxed():
    sold = [takings(1_000)]

    found = payout(Terms(), sold, sold, NOVEMBER)

    assert (found.tax, found.net) == (0, -49_000)


def test_a_month_without_a_sale_still_costs():
    everything: list[Takings] = []

    assert payout(Terms(), [], everything, NOVEMBER).costs == 0
    assert payout(Terms(), everything, everything, NOVEMBER).costs == 50_000


def test_one_product_bears_its_share_of_the_costs():
    mine, all_of_it = [takings(100_000)], [takings(400_000)]

    assert payout(Terms(), mine, all_of_it, NOVEMBER).costs == 12_500


@given(cents, cents, cents)
def test_what_is_paid_out_is_what_is_left(sold, back, orders):
    found = payout(Terms(), [one := takings(sold, orders, "polar", back)], [one], NOVEMBER)

    assert found.net == found.gross - found.fees - found.costs - found.tax
    assert found.tax >= 0
    assert found.net <= max(found.gross, 0)


@pytest.mark.parametrize(
    ("first", "last", "cost"),
    [
        (date(2026, 11, 1), date(2026, 11, 30), 30_000),
        (date(2026, 11, 1), date(2026, 11, 15), 15_000),
        (date(2026, 11, 30), date(2026, 11, 30), 1_000),
        (date(2026, 1, 1), date(2026, 12, 31), 360_000),
        (date(2026, 10, 31), date(2026, 11, 1), 30_000 / 31 + 1_000),
    ],
)
def test_costs_run_by_the_day_of_each_month(first, last, cost):
    assert float(costs_of(30_000, first, last)) == pytest.approx(cost)


def test_a_fee_holds_from_its_day_on():
    before = Takings(date(2026, 5, 26), "polar", 1, 10_000, 0)
    after = Takings(date(2026, 5, 27), "polar", 1, 10_000, 0)

    assert fees_of(FEES, [before]) == 440
    assert fees_of(FEES, [after]) == 550
    assert fees_of({"polar": (Fee(date(2026, 6, 1), 100),)}, [after]) == 0
