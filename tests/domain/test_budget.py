"""What a gateway's account may be asked in a second."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.budget import AHEAD_S, Budget
from tests.store.rows import NOW

SEPAY_PER_S = 3
pauses = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0, 5.0])


@given(st.lists(st.tuples(pauses, st.sampled_from([1, 2]))))
def test_whoever_waits_for_his_turn_is_never_refused_for_asking_too_fast(wishes):
    now, budget, asked = NOW, Budget(SEPAY_PER_S / 2), []

    for pause_s, requests in wishes:
        now += timedelta(seconds=pause_s)
        budget, wait_s = budget.book(now, requests)
        now += timedelta(seconds=wait_s)
        asked += [now] * requests

    for last in asked:
        in_that_second = [at for at in asked if last - timedelta(seconds=1) < at <= last]
        assert len(in_that_second) <= SEPAY_PER_S


def test_a_clock_that_was_set_back_makes_nobody_wait_for_it():
    budget, _ = Budget(1.5).book(NOW + timedelta(days=1), 1)

    assert budget.book(NOW, 1)[1] == 0


def test_those_who_come_together_wait_one_after_the_other():
    budget, waits = Budget(2.0), []

    for _ in range(4):
        budget, wait_s = budget.book(NOW, 1)
        waits.append(wait_s)

    assert waits == [0, 0, 0.5, 1.0]
    assert waits[-1] < AHEAD_S
