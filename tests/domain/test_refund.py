"""The table of a refund's moves: money is promised once, and goes back at most once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.refund import (
    ASKED,
    HOLDING,
    REFUND_MOVES,
    RefundSignal,
    RefundState,
    Returned,
    returned,
)

ENDS = {RefundState.SUCCEEDED, RefundState.CANCELED}


def reachable(start: RefundState) -> set[RefundState]:
    """All states that can follow."""
    found: set[RefundState] = set()
    waiting = [start]
    while waiting:
        state = waiting.pop()
        after = {new for (before, _), new in REFUND_MOVES.items() if before is state}
        waiting += after - found
        found |= after
    return found


def test_every_state_is_reached_from_a_wish():
    assert reachable(RefundState.REQUESTED) == set(RefundState) - {RefundState.REQUESTED}


def test_nothing_leads_out_of_what_was_canceled():
    assert reachable(RefundState.CANCELED) == set()


def test_what_has_gone_back_can_only_come_again_and_go_back_once_more():
    assert reachable(RefundState.SUCCEEDED) == {RefundState.FAILED, RefundState.SUCCEEDED}


@pytest.mark.parametrize("state", sorted(HOLDING))
def test_whatever_holds_money_can_come_to_an_end(state):
    assert reachable(state) & ENDS


@given(st.lists(st.sampled_from(RefundSignal), max_size=12))
def test_no_walk_lets_money_go_twice_or_unpromised(signals):
    state, promised, gone = RefundState.REQUESTED, 0, 0
    for signal in signals:
        after = REFUND_MOVES.get((state, signal))
        if after is None:
            continue
        # What the flow does in the transaction of each move.
        promised += state in {RefundState.REQUESTED, RefundState.FAILED}
        if state is RefundState.SUCCEEDED:
            gone -= 1
        elif after is RefundState.SUCCEEDED:
            promised, gone = promised - 1, gone + 1
        elif after not in HOLDING:
            promised -= 1
        state = after
        assert promised == (state in HOLDING)
        assert gone == (state is RefundState.SUCCEEDED)


def test_what_was_never_sent_never_succeeds_at_the_gateway():
    told = (RefundSignal.PENDING, RefundSignal.SUCCEEDED, RefundSignal.FAILED)

    assert not any((RefundState.RESERVED, signal) in REFUND_MOVES for signal in told)


def test_an_unknown_outcome_is_never_a_failure_by_itself():
    to_failed = {signal for (_, signal), after in REFUND_MOVES.items()
                 if after is RefundState.FAILED}  # fmt: skip

    assert to_failed == {RefundSignal.FAILED}
    assert RefundState.UNKNOWN in ASKED


@pytest.mark.parametrize(
    ("received", "gone", "expected"),
    [(0, 0, Returned.NONE), (5, 0, Returned.NONE), (5, 4, Returned.PARTIAL), (5, 5, Returned.FULL)],
)
def test_how_much_went_back_is_derived(received, gone, expected):
    assert returned(received, gone) is expected


def test_only_a_person_closes_what_is_made_by_hand():
    pairs = itertools.product([RefundState.MANUAL], RefundSignal)

    assert {signal for _, signal in pairs if (RefundState.MANUAL, signal) in REFUND_MOVES} == {
        RefundSignal.TRANSFERRED, RefundSignal.CANCELED
    }  # fmt: skip
