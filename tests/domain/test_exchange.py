"""Exchange: exact decimals, one rounding rule, and shares that add up to the whole."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import CurrencyUnknown, Invalid
from tallystick.domain.exchange import (
    Rate,
    Rates,
    RateSource,
    Valued,
    nearest,
    number,
    plain,
    rate,
    share,
)
from tallystick.domain.money import Money
from tests.store.rows import NOW

VND = Rate("VND", Decimal(24_500), RateSource.FALLBACK, NOW)
rates = st.decimals("0.001", "1e7", places=6).map(rate)


@pytest.mark.parametrize(
    ("amount", "per_dollar", "cents"),
    [
        (Money(24_500, "VND"), "24500", 100),
        (Money(490_000, "VND"), "24500", 2_000),
        (Money(122, "VND"), "24500", 0),  # 0.498 cents
        (Money(123, "VND"), "24500", 1),  # 0.502 cents
        (Money(1_225, "VND"), "245000", 1),  # half a cent, away from zero
        (Money(150_000, "LKR"), "300", 500),
        (Money(1_999, "USD"), "1", 1_999),
        (Money(1_000, "BHD"), "0.376", 266),  # three decimals: 1.000 BHD is $2.6596
    ],
)
def test_an_amount_is_worth_so_many_cents(amount, per_dollar, cents):
    assert Rate(amount.currency, Decimal(per_dollar), RateSource.API, NOW).cents(amount) == cents


@given(st.integers(1, 10**12), rates)
def test_a_worth_is_within_half_a_cent_of_the_exact_one(minor, per_dollar):
    cents = Rate("VND", per_dollar, RateSource.API, NOW).cents(Money(minor, "VND"))

    assert abs(Fraction(minor * 100) / Fraction(per_dollar) - cents) <= Fraction(1, 2)


def test_another_currency_is_not_valued_by_this_rate():
    with pytest.raises(CurrencyUnknown):
        VND.cents(Money(100, "USD"))


@given(st.fractions())
def test_rounding_is_the_same_on_both_sides_of_zero(exact):
    assert nearest(exact) == -nearest(-exact)
    assert abs(nearest(exact) - exact) <= Fraction(1, 2)


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_the_parts_of_running_totals_add_up_to_the_whole(whole, parts):
    of, before, added = sum(parts), 0, 0

    for part in parts:
        added += share(whole, before + part, of) - share(whole, before, of)
        before += part

    assert added == whole


@given(rates)
def test_a_rate_survives_text_and_json(per_dollar):
    assert Decimal(plain(per_dollar)) == per_dollar
    assert Decimal(repr(number(per_dollar))) == per_dollar


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity", "1e13", "1e-10"])
def test_what_cannot_be_divided_by_is_no_rate(value):
    with pytest.raises(Invalid):
        rate(Decimal(value))


def test_what_a_layer_does_not_know_the_layer_below_may():
    floor = Rates({"LKR": Decimal(300)}, RateSource.FALLBACK, NOW)
    cache = Rates({"VND": Decimal(25_000)}, RateSource.CACHED, NOW, floor)

    assert cache.of("VND").source is RateSource.CACHED
    assert cache.of("LKR").source is RateSource.FALLBACK
    assert cache.of("USD").per_dollar == 1
    with pytest.raises(CurrencyUnknown, match=r"EUR.*TALLYSTICK_EXCHANGE_RATE_URL"):
        cache.of("EUR")


def test_a_worth_keeps_its_amount_and_its_rate():
    worth = Valued.at(Money(490_000, "VND"), VND)

    assert (worth.usd_cents, worth.rate) == (2_000, VND)
