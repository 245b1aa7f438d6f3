"""What a merchant sets in place of a rate limit is read at the start, or the start is refused."""

from __future__ import annotations

import pytest

from tallystick.domain.errors import NotConfigured
from tallystick.web.limits import LIMITS, items


def test_a_limit_that_is_set_takes_the_place_of_ours():
    made = items({"polling": "600 per 15 minutes"})

    assert made["polling"].amount == 600
    assert set(made) == set(LIMITS)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [({"polling": "often"}, "cannot be read"), ({"poling": "600 per hour"}, "names poling")],
)
def test_a_limit_that_is_misspelt_stops_the_start_and_says_why(overrides, words):
    with pytest.raises(NotConfigured, match=words):
        items(overrides)
