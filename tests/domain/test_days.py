"""Days: they begin when the calendar on the wall says so, also where clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.days import day_of, days, end_of, start_of, zone
from tallystick.domain.errors import Invalid

# With half hours, clocks changed at midnight, and a day that never was (Apia, 2011-12-30).
ZONES = ["UTC", "Asia/Ho_Chi_Minh", "Asia/Colombo", "America/New_York", "America/Asuncion",
         "Africa/Cairo", "Pacific/Apia", "America/Havana"]  # fmt: skip
EPOCH = datetime(2005, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@given(
    st.timedeltas(timedelta(0), timedelta(days=9_000)).map(lambda since: EPOCH + since),
    st.sampled_from(ZONES).map(zone),
)
def test_every_instant_is_within_its_day_and_no_other(at, where):
    day = day_of(at, where)

    assert start_of(day, where) <= at < end_of(day, where)


def test_days_begin_with_the_last_one_before():
    hanoi = zone("Asia/Ho_Chi_Minh")

    assert start_of(date(2026, 11, 21), hanoi) == datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert day_of(end_of(date(2026, 11, 20), hanoi) - TICK, hanoi) == date(2026, 11, 20)


def test_all_days_are_named_once():
    first, last = datetime(2026, 10, 30, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)

    assert [day.day for day in days(first, last, zone("UTC"))] == [30, 31, 1, 2]


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "x" * 500, "\0"])
def test_a_zone_that_is_none_is_refused(name):
    with pytest.raises(Invalid, match="is not a time zone"):
        zone(name)
