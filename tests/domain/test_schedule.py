"""The rhythm of our questions: docs/money.md, and the back-off of retries."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.schedule import RETRY_LAST_S, afterwards, retry_at, while_open

OPENED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ENDS = OPENED + timedelta(minutes=15)
LUCK = st.floats(0, 1, exclude_max=True)


def asked_at(until: datetime, *, watched: bool = False) -> list[float]:
    """The seconds after the opening at which we ask, without jitter."""
    times, now = [], OPENED
    while now < until:
        now = while_open(OPENED, ENDS, now, 0.0, watched=watched)
        times.append((now - OPENED).total_seconds())
    return times


def test_the_first_questions_come_quickly_and_then_every_minute():
    rhythm = asked_at(ENDS)

    gaps = [after - before for before, after in zip([0, *rhythm], rhythm, strict=False)]
    assert gaps[:6] == [3, 5, 8, 13, 20, 30]
    assert set(gaps[6:-1]) == {60}


def test_the_last_question_of_an_open_offer_is_put_at_its_deadline():
    assert asked_at(ENDS)[-1] == 15 * 60


def test_while_somebody_watches_we_ask_at_least_every_ten_seconds():
    rhythm = asked_at(ENDS, watched=True)

    gaps = [after - before for before, after in zip([0, *rhythm], rhythm, strict=False)]
    assert max(gaps) <= 10


@given(st.floats(0, 15 * 60 - 0.001), LUCK, st.booleans())
def test_an_open_offer_always_has_a_next_question_not_after_its_deadline(age_s, luck, watched):
    now = OPENED + timedelta(seconds=age_s)

    due = while_open(OPENED, ENDS, now, luck, watched=watched)

    assert now <= due <= ENDS
    assert (due - now).total_seconds() <= 66


@given(st.floats(0, 30 * 86_400), LUCK)
def test_an_offer_that_is_still_open_after_its_deadline_is_asked_about_every_minute(after_s, luck):
    now = ENDS + timedelta(seconds=after_s)

    due = while_open(OPENED, ENDS, now, luck)

    assert now < due <= now + timedelta(seconds=66)


def test_payments_opened_together_are_not_asked_about_together():
    now = OPENED + timedelta(minutes=5)

    due = {while_open(OPENED, ENDS, now, luck / 10) for luck in range(10)}

    assert len(due) == 10


@pytest.mark.parametrize(
    ("age", "gap"),
    [
        (timedelta(0), timedelta(minutes=5)),
        (timedelta(minutes=59), timedelta(minutes=5)),
        (timedelta(hours=1), timedelta(hours=1)),
        (timedelta(hours=24), timedelta(hours=1)),
        (timedelta(hours=25), timedelta(hours=6)),
        (timedelta(hours=60), timedelta(hours=6)),
    ],
)
def test_after_the_end_the_questions_grow_rare(age, gap):
    now = ENDS + age

    assert afterwards(ENDS, ENDS + timedelta(hours=72), now, 0.0) == now + gap


@given(st.integers(0, 72 * 3600 - 1), LUCK)
def test_nothing_is_asked_after_the_last_moment_of_listening_and_always_once_at_it(age_s, luck):
    now, until = ENDS + timedelta(seconds=age_s), ENDS + timedelta(hours=72)

    due = afterwards(ENDS, until, now, luck)

    assert due is not None
    assert now < due <= until


def test_when_listening_is_over_nothing_is_due():
    assert afterwards(ENDS, ENDS + timedelta(hours=72), ENDS + timedelta(hours=72), 0.5) is None


@given(st.integers(0, 1000), LUCK)
def test_a_retry_waits_longer_each_time_up_to_an_hour(tries, luck):
    gap_s = (retry_at(tries, OPENED, luck) - OPENED).total_seconds()

    assert min(2**tries, RETRY_LAST_S) <= gap_s <= min(2**tries, RETRY_LAST_S) * 1.1


def test_the_first_retries_wait_one_two_and_four_seconds():
    waits = [(retry_at(tries, OPENED, 0.0) - OPENED).total_seconds() for tries in range(3)]

    assert waits == [1, 2, 4]
