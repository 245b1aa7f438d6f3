"""Names: they sort by age, cannot be guessed, and survive banks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.ids import (
    CROCKFORD,
    PREFIXES,
    capability,
    is_id,
    made_at,
    memo_code,
    new_id,
    short_code,
)

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MANY = 2000


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_id_says_what_it_names_and_has_a_fixed_length(prefix):
    made = new_id(prefix, NOW)

    assert is_id(prefix, made)
    assert len(made) == len(prefix) + 27


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants them naive
    st.timedeltas(timedelta(milliseconds=2), timedelta(days=36_500)),
)
def test_ids_sort_by_age(at, gap):
    later = min(at, datetime.max.replace(tzinfo=UTC) - gap) + gap

    assert new_id("pay", later - gap) < new_id("pay", later)


def test_ids_of_the_same_moment_differ():
    assert len({new_id("pay", NOW) for _ in range(MANY)}) == MANY


@pytest.mark.parametrize(
    "text",
    ["", "pay", "pay_", "pay_123", "att_" + "0" * 26, "pay_" + "0" * 25, "pay_" + "0" * 27,
     "pay_" + "I" * 26, "pay_" + "a" * 26, "PAY_" + "0" * 26, "pay_" + "0" * 26 + "\n",
     " pay_" + "0" * 26],
)  # fmt: skip
def test_what_only_looks_like_an_id_is_none(text):
    assert not is_id("pay", text)


def test_a_short_code_has_letters_that_nobody_confuses():
    codes = {short_code() for _ in range(MANY)}

    assert len(codes) == MANY
    assert all(len(code) == 10 and set(code) <= set(CROCKFORD) for code in codes)
    assert not set("ILOU") & set(CROCKFORD)


def test_a_memo_survives_a_bank_that_upper_cases_and_strips_signs():
    codes = {memo_code() for _ in range(MANY)}

    assert len(codes) > MANY - 5
    for code in codes:
        assert len(code) == 9
        assert code.startswith("TS")
        assert code.isalnum()
        assert code.isascii()
        assert code == code.upper()


def test_a_capability_carries_enough_chance_and_a_readable_prefix():
    made = {capability("tct_") for _ in range(MANY)}

    assert len(made) == MANY
    assert all(one.startswith("tct_") and len(one) == len("tct_") + 32 for one in made)


@given(st.integers(0, 2**35).map(lambda s: datetime.fromtimestamp(s, UTC)))
def test_an_id_tells_when_it_was_made_to_the_millisecond(at):
    told = made_at(new_id("key", at))

    assert timedelta(0) <= at - told < timedelta(milliseconds=2)
