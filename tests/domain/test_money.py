"""Money: whole minor units, the exponents of ISO 4217, and everything that is refused."""

from decimal import Decimal

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import AmountInvalid, CurrencyUnknown, MoneyMismatch
from tallystick.domain.money import LARGEST_MINOR, Money, currencies, exponent

# CLDR tells how people write these amounts; ISO 4217, which gateways follow, says how they count.
WRITTEN_WITH_FEWER = {
    "AFN", "ALL", "IQD", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER",
}  # fmt: skip
AMOUNTS = st.integers(-LARGEST_MINOR, LARGEST_MINOR)
CURRENCIES = st.sampled_from(currencies())


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("VND", 0), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("UGX", 0), ("LKR", 2), ("USD", 2),
     ("EUR", 2), ("BHD", 3), ("KWD", 3), ("CLF", 4)],
)  # fmt: skip
def test_a_currency_has_its_decimals(currency, digits):
    assert exponent(currency) == digits


def test_the_decimals_of_all_currencies_agree_with_a_second_source():
    differ = {code for code in currencies() if exponent(code) != get_currency_precision(code)}

    assert differ == WRITTEN_WITH_FEWER
    assert len(currencies()) > 150


@pytest.mark.parametrize(
    "code", ["", "vnd", "VN", "VNDD", "ABC", "XAU", "XXX", "XTS", "704", " VND", "VND\n", "₫"]
)
def test_what_is_no_currency_of_money_is_refused(code):
    with pytest.raises(CurrencyUnknown, match="VND, LKR or USD"):
        Money(1, code)


@pytest.mark.parametrize("minor", [True, 1.0, "1", Decimal(1), None, LARGEST_MINOR + 1])
def test_an_amount_that_is_not_a_whole_and_safe_number_is_refused(minor):
    with pytest.raises(AmountInvalid):
        Money(minor, "VND")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("50000", "VND", 50_000), ("50000.00", "VND", 50_000), ("1500.00", "LKR", 150_000),
        ("1500", "LKR", 150_000), ("0.5", "LKR", 50), ("19.99", "USD", 1999), ("0", "USD", 0),
        ("-0.05", "USD", -5), ("-1.5", "USD", -150), ("0.001", "BHD", 1), ("007", "VND", 7),
        ("9007199254740991", "VND", LARGEST_MINOR), ("12.", "USD", 1200),
    ],
)  # fmt: skip
def test_a_decimal_text_is_read_to_the_unit(text, currency, minor):
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "abc", "1.005", "1,000.00", "1_000", "1e3", "1E9999999", "+1", " 1", "1 ", "1\n",
        "--1", "0x10", "NaN", "Infinity", "1.2.3", ".5", "-", "-.5", "１", "٣", "1" * 5000,
        "1.0000000000000000000000000000000000001", "9007199254740992",
    ],
)  # fmt: skip
def test_a_text_that_is_no_exact_amount_is_refused(text):
    with pytest.raises(AmountInvalid):
        Money.parse(text, "USD")


def test_a_fraction_of_a_dong_is_refused():
    with pytest.raises(AmountInvalid, match="not an exact amount of VND"):
        Money.parse("50000.5", "VND")


@given(AMOUNTS, CURRENCIES)
def test_what_is_written_is_read_back(minor, currency):
    money = Money(minor, currency)

    assert Money.parse(money.major(), currency) == money


@given(st.text(max_size=40), CURRENCIES)
def test_no_text_breaks_the_reader(text, currency):
    try:
        read = Money.parse(text, currency)
    except AmountInvalid:
        return
    assert Decimal(text) == Decimal(read.major())


@given(st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40))
def test_adding_and_taking_away_are_exact(left, right):
    one, other = Money(left, "LKR"), Money(right, "LKR")

    assert (one + other).minor == left + right
    assert one + other - other == one
    assert (one < other) == (left < right)
    assert (one <= other) == (left <= right)


@pytest.mark.parametrize("name", ["__add__", "__sub__", "__lt__", "__le__"])
def test_two_currencies_never_meet_in_one_sum(name):
    with pytest.raises(MoneyMismatch, match="different currencies"):
        getattr(Money(1, "VND"), name)(Money(1, "USD"))


def test_a_sum_beyond_what_every_reader_keeps_exact_is_refused():
    with pytest.raises(AmountInvalid):
        Money(LARGEST_MINOR, "VND") + Money(1, "VND")


def test_an_amount_reads_as_people_write_it():
    assert str(Money(50_000, "VND")) == "50000 VND"
    assert str(Money(1999, "USD")) == "19.99 USD"
    assert str(Money(-5, "USD")) == "-0.05 USD"
    assert Money(LARGEST_MINOR, "BHD").major() == "9007199254740.991"
