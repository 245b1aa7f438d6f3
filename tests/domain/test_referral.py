"""Referrals: the ladder of tiers, what a commission is, and what a refund takes back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import Conflict
from tallystick.domain.exchange import Rate, RateSource, Valued
from tallystick.domain.money import Money
from tallystick.domain.same_mailbox import same_person
from tallystick.products.revenue.referral import (
    LADDER,
    STATUS_MOVES,
    Commission,
    CommissionStatus,
    Deed,
    Sum,
    Tier,
    commission_of,
    moved,
    next_step,
    normal_code,
    payout,
    step_of,
)
from tests.store.rows import NOW


def commission(minor: int, percent: int = 20, per_dollar: str = "24500") -> Commission:
    """What an order of so many dong earns."""
    rate = Rate("VND", Decimal(per_dollar), RateSource.API, NOW)
    order = Valued.at(Money(minor, "VND"), rate)
    amount = commission_of(order.amount, percent)
    return Commission(
        "com_1", "ord_1", "ref_1", order, percent, amount, rate.cents(amount),
        CommissionStatus.PENDING, NOW, NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cents", "tier", "percent"),
    [
        (-5_000, "bronze", 20), (0, "bronze", 20), (49_999, "bronze", 20),
        (50_000, "silver", 25), (149_999, "silver", 25), (150_000, "gold", 30),
        (499_999, "gold", 30), (500_000, "platinum", 35), (10**12, "platinum", 35),
    ],
)  # fmt: skip
def test_referred_revenue_makes_the_tier(cents, tier, percent):
    step = step_of(cents)

    assert (step.tier, step.percent) == (tier, percent)


def test_the_ladder_only_rises():
    assert [step.tier for step in LADDER] == list(Tier)
    assert all(low.from_usd_cents < high.from_usd_cents and low.percent < high.percent
               for low, high in pairwise(LADDER))  # fmt: skip
    assert next_step(LADDER[0]) is LADDER[1]
    assert next_step(LADDER[-1]) is None


def test_a_commission_is_its_share_in_both_currencies():
    made = commission(490_000)

    assert made.amount == Money(98_000, "VND")
    assert (made.order.usd_cents, made.usd_cents) == (2_000, 400)


@given(
    st.lists(st.integers(0, 10**7), min_size=1, max_size=12).filter(any),
    st.sampled_from([20, 25, 30, 35]),
    st.decimals("0.5", "30000", places=3).map(str),
)
def test_refunds_that_come_to_the_whole_order_claw_back_the_whole_commission(
    parts, percent, per_dollar
):
    made = commission(sum(parts), percent, per_dollar)
    before = back = cents = order_cents = 0

    for part in parts:
        line = made.clawed_back(before, part)
        before += part
        back, cents = back + line.amount.minor, cents + line.usd_cents
        order_cents += line.order_usd_cents
        assert line.amount.minor <= 0
        assert line.usd_cents <= 0

    assert (back, cents, order_cents) == (
        -made.amount.minor, -made.usd_cents, -made.order.usd_cents,
    )  # fmt: skip


def test_half_a_refund_takes_back_half_at_the_original_rate():
    line = commission(490_000).clawed_back(0, 245_000)

    assert (line.amount, line.usd_cents, line.order_usd_cents) == (
        Money(-49_000, "VND"), -200, -1_000,
    )  # fmt: skip


def test_no_more_is_clawed_back_than_was_earned():
    line = commission(490_000).clawed_back(0, 10**9)

    assert line.amount == Money(-98_000, "VND")


@pytest.mark.parametrize(("status", "deed"), list(product(CommissionStatus, Deed)))
def test_a_commission_moves_only_as_the_table_says(status, deed):
    after = STATUS_MOVES.get((status, deed))
    if after is not None:
        assert moved(status, deed) is after
        return
    with pytest.raises(Conflict, match=f"is {status}"):
        moved(status, deed)


def test_who_wants_to_pay_too_early_is_told_what_to_do_first():
    with pytest.raises(Conflict, match="pending, so it cannot be paid; approve it first"):
        moved(CommissionStatus.PENDING, Deed.PAY)


@pytest.mark.parametrize(
    ("left", "carried", "due"),
    [
        (Sum(98_000, 400), Sum(0, 0), Sum(98_000, 400)),
        (Sum(98_000, 400), Sum(-49_000, -200), Sum(49_000, 200)),
        (Sum(98_000, 400), Sum(-98_000, -400), Sum(0, 0)),
        (Sum(98_000, 400), Sum(-200_000, -800), Sum(0, 0)),
    ],
)
def test_a_debt_from_refunds_is_taken_off_the_next_payout(left, carried, due):
    assert payout(left, carried) == due


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("linh@example.com", " LINH@Example.com ", True),
        ("linh+shop@example.com", "linh@example.com", True),
        ("linh@example.com", "linh@example.org", False),
        ("linh@example.com", "mai@example.com", False),
    ],
)
def test_nobody_refers_themselves_by_writing_their_address_otherwise(one, other, same):
    assert same_person(one, other) is same


@pytest.mark.parametrize(
    ("text", "code"),
    [(" linh-10 ", "LINH-10"), ("ab", ""), ("-abc", ""), ("a b c", ""), ("x" * 33, "")],
)
def test_codes_are_kept_in_capitals(text, code):
    assert normal_code(text) == code


def test_only_the_status_of_a_commission_ever_changes():
    made = commission(490_000)

    assert replace(made, status=CommissionStatus.PAID).earned() == made.earned()
