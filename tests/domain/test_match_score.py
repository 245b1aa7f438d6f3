"""How unmatched money is weighed against payments, for a person to decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.ids import CROCKFORD, memo_code
from tallystick.domain.match_score import Clue, distance, match_score, plain

OPENED = datetime(2026, 11, 20, 9, tzinfo=UTC)
CODES = st.text(CROCKFORD, min_size=7, max_size=7).map("TS{}".format)
NOISE = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", max_size=30)


def clue(**given_):
    known = {"codes": ("TS7K2M9QX",), "memo": "TS7K2M9QX", "owed": 50_000, "amount": 50_000,
             "opened": OPENED, "at": OPENED}  # fmt: skip
    return Clue(**{**known, **given_})


def test_the_right_memo_the_right_amount_and_the_same_day_score_everything():
    weighed = match_score(clue())

    assert weighed.score == 100
    assert weighed.reasons == (
        "the memo holds its code", "the amount is what is owed", "opened the same day",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("memo", "edits"),
    [
        ("MBVCB.9911.ts7k-2m 9qx.CT tu 0451", 0),
        ("thanh toán TS7K2M9Q", 1),
        ("TS7K2N9QX", 1),
        ("TS72M9X", 2),
        ("", 9),
    ],
)
def test_the_distance_of_a_memo_is_counted_in_letters(memo, edits):
    assert distance("TS7K2M9QX", plain(memo)) == edits


@given(CODES, NOISE, NOISE)
def test_a_code_is_found_whatever_the_banks_put_around_it(code, before, after):
    assert distance(code, before + code + after) == 0


@given(CODES, NOISE)
def test_the_distance_is_never_more_than_the_code_is_long(code, text):
    assert 0 <= distance(code, text) <= len(code)


def test_ten_thousand_strange_codes_never_look_exactly_like_ours():
    ours = memo_code()
    strangers = {memo_code() for _ in range(10_000)} - {ours}

    assert not [code for code in strangers if distance(ours, code) == 0]


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(0, 400))
def test_a_score_is_between_nothing_and_everything(owed, amount, days):
    weighed = match_score(clue(owed=owed, amount=amount, at=OPENED + timedelta(days=days)))

    assert 0 <= weighed.score <= 100


def test_a_transfer_of_another_amount_with_no_memo_a_year_later_is_like_nothing():
    weighed = match_score(clue(memo="", amount=7, at=OPENED + timedelta(days=365)))

    assert (weighed.score, weighed.reasons) == (0, ())
