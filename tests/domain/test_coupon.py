"""What Polar is to know of a coupon follows from counts alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.products.orders.coupon import Tell, Wanted, normal_code, wanted_at_polar

counts = st.integers(0, 50)


@given(st.integers(1, 50), counts, st.none() | st.integers(1, 50), counts)
def test_both_together_never_pass_the_cap_after_polar_was_told(most, here, limit, there):
    wanted = wanted_at_polar(most, here, limit, there)
    possible = {Tell.DELETE: there, Tell.LOWER: wanted.limit, Tell.NOTHING: wanted.limit}

    most_there = max(possible[wanted.tell], there)
    assert here + most_there <= max(most, here + there)


@given(st.integers(1, 50), counts, st.none() | st.integers(1, 50), counts)
def test_telling_twice_is_telling_once(most, here, limit, there):
    first = wanted_at_polar(most, here, limit, there)

    if first.tell is Tell.LOWER:
        again = wanted_at_polar(most, here, first.limit, there)
        assert again == Wanted(Tell.NOTHING, first.limit)


@pytest.mark.parametrize(
    ("most", "here", "limit", "there", "tell"),
    [
        (10, 1, 10, 0, Tell.LOWER),
        (10, 1, 9, 0, Tell.NOTHING),
        (10, 1, 5, 0, Tell.NOTHING),
        (10, 1, None, 0, Tell.LOWER),
        (10, 10, 10, 0, Tell.DELETE),
        # The replaced order system lowered this one to 1, although Polar had used it three times.
        (5, 2, 5, 3, Tell.DELETE),
        (5, 1, 5, 3, Tell.LOWER),
    ],
)
def test_what_is_told(most, here, limit, there, tell):
    assert wanted_at_polar(most, here, limit, there).tell is tell


@pytest.mark.parametrize(
    ("given_", "kept"), [(" spring-10 ", "SPRING-10"), ("ab", ""), ("é!!", "")]
)
def test_capitals_and_spaces_do_not_matter_in_a_code(given_, kept):
    assert normal_code(given_) == kept
