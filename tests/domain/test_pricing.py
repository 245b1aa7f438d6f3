"""The laws of prices: never negative, the lines add up, one rounding rule, one order of steps."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import Invalid
from tallystick.products.orders.pricing import NOTHING_OFF, Discount, price, share

units = st.integers(1, 10**9)
quantities = st.integers(1, 1000)
percents = st.integers(0, 100)
discounts = st.one_of(
    st.builds(Discount, percent=percents), st.builds(Discount, fixed=st.integers(0, 10**12))
)


@given(units, quantities, discounts, percents)
def test_no_price_is_negative_and_the_lines_add_up(unit, quantity, coupon, referral):
    quote = price(unit, quantity, coupon, referral)

    assert quote.final >= 0
    assert quote.coupon >= 0
    assert quote.referral >= 0
    assert quote.listed == unit * quantity
    assert quote.listed - quote.coupon - quote.referral == quote.final
    assert quote.discount == quote.listed - quote.final
    assert 0 <= quote.rate <= 10_000


@given(st.integers(0, 10**15), percents)
def test_a_share_is_rounded_once_to_the_nearest_halves_up(minor, percent):
    exact = Fraction(minor * percent, 100)

    assert Fraction(-1, 2) < share(minor, percent) - exact <= Fraction(1, 2)


@given(units, quantities, st.integers(1, 10**12), percents)
def test_the_coupon_comes_first_and_the_referral_takes_from_what_is_left(
    unit, quantity, fixed, referral
):
    quote = price(unit, quantity, Discount(fixed=fixed), referral)

    assert quote.coupon == min(fixed, unit * quantity)
    assert quote.referral == share(unit * quantity - quote.coupon, referral)


@given(units, quantities, discounts, percents)
def test_more_discount_never_makes_it_dearer(unit, quantity, coupon, referral):
    without = price(unit, quantity, NOTHING_OFF, referral)
    with_both = price(unit, quantity, coupon, referral)
    with_more = price(unit, quantity, coupon, min(referral + 1, 100))

    assert with_more.final <= with_both.final <= without.final + 1


@pytest.mark.parametrize(
    ("unit", "quantity", "coupon", "referral", "lines"),
    [
        (1_999, 1, Discount(percent=10), 0, (200, 0, 1_799, 1_000)),
        (1_999, 1, Discount(percent=10), 10, (200, 180, 1_619, 1_900)),
        (1_999, 3, Discount(fixed=500), 20, (500, 1_099, 4_398, 2_666)),
        (50_000, 1, Discount(fixed=60_000), 20, (50_000, 0, 0, 10_000)),
        (1, 1, Discount(percent=50), 0, (1, 0, 0, 5_000)),
        (1_999, 2, NOTHING_OFF, 0, (0, 0, 3_998, 0)),
    ],
)
def test_prices_by_hand(unit, quantity, coupon, referral, lines):
    quote = price(unit, quantity, coupon, referral)

    assert (quote.coupon, quote.referral, quote.final, quote.rate) == lines


@pytest.mark.parametrize(("unit", "quantity"), [(0, 1), (-1, 1), (1, 0), (2**52, 3)])
def test_what_cannot_be_paid_has_no_price(unit, quantity):
    with pytest.raises(Invalid):
        price(unit, quantity)


@pytest.mark.parametrize("wrong", [{"percent": 101}, {"percent": -1}, {"fixed": -1},
                                   {"percent": 1, "fixed": 1}])  # fmt: skip
def test_a_discount_is_one_thing_and_takes_off(wrong):
    with pytest.raises(Invalid):
        Discount(**wrong)
