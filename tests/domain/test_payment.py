"""The tables of states: every pair is walked, and what is not in the table changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from tallystick.domain.money import Money
from tallystick.domain.payment import (
    ATTEMPT_MOVES,
    MOVES,
    AmountState,
    AttemptState,
    Phase,
    Signal,
    Terms,
    is_final,
)

SIGNALS = (
    "opened", "money_seen", "money_gone", "paid", "deadline", "canceled", "accepted",
    "closed_expired", "closed_canceled",
)  # fmt: skip
# docs/states.md. A dot is no move.
TABLE = """
    draft       open  .           .     paid  expired  canceled  paid  .        .
    open        .     processing  .     paid  expired  canceled  paid  .        .
    processing  .     .           open  paid  .        .         paid  expired  canceled
    paid        .     .           .     .     .        .         .     .        .
    expired     .     .           .     paid  .        canceled  paid  .        .
    canceled    .     .           .     .     .        .         paid  .        .
"""
EXPECTED = {
    (Phase(before), Signal(signal)): after
    for before, *afters in map(str.split, TABLE.strip().splitlines())
    for signal, after in zip(SIGNALS, afters, strict=True)
}


@pytest.mark.parametrize("pair", list(product(Phase, Signal)), ids="-".join)
def test_every_phase_and_signal_moves_as_the_table_says(pair):
    assert MOVES.get(pair, ".") == EXPECTED[pair]


def test_paid_has_no_way_out():
    assert not [pair for pair in MOVES if pair[0] is Phase.PAID]


def test_money_finds_its_way_from_everywhere_but_a_canceled_offer():
    ways = {before for (before, signal) in MOVES if signal is Signal.PAID}

    assert ways == set(Phase) - {Phase.PAID, Phase.CANCELED}


def test_no_move_stays_where_it_is():
    assert not [pair for pair, after in MOVES.items() if pair[0] is after]


HEARD = {
    AttemptState.AWAITING_PAYER,
    AttemptState.PROCESSING,
    AttemptState.SUCCEEDED,
    AttemptState.FAILED,
    AttemptState.EXPIRED,
    AttemptState.CANCELED,
}


def test_every_state_of_an_attempt_has_its_moves():
    assert set(ATTEMPT_MOVES) == set(AttemptState)


@pytest.mark.parametrize("state", sorted(HEARD - {AttemptState.SUCCEEDED}))
def test_later_proof_opens_an_attempt_again(state):
    assert ATTEMPT_MOVES[state] == HEARD - {state}


@pytest.mark.parametrize("state", [AttemptState.SUBMITTING, AttemptState.UNKNOWN])
def test_an_attempt_of_unknown_fate_can_turn_out_to_be_anything(state):
    assert ATTEMPT_MOVES[state] >= HEARD


def test_a_call_that_timed_out_is_unknown_and_may_be_sent_again():
    assert AttemptState.UNKNOWN in ATTEMPT_MOVES[AttemptState.SUBMITTING]
    assert AttemptState.SUBMITTING in ATTEMPT_MOVES[AttemptState.UNKNOWN]


def test_an_attempt_is_committed_before_anything_can_be_heard_of_it():
    assert ATTEMPT_MOVES[AttemptState.CREATED] == {AttemptState.SUBMITTING}


def test_an_attempt_that_succeeded_stays_so():
    assert ATTEMPT_MOVES[AttemptState.SUCCEEDED] == frozenset()


TERMS = Terms(Money(1000, "LKR"), datetime(2026, 11, 20, tzinfo=UTC))


@pytest.mark.parametrize(
    ("received", "state"),
    [(-1, "none"), (0, "none"), (1, "partial"), (999, "partial"), (1000, "exact"), (1001, "over")],
)
def test_received_money_is_compared_to_the_unit(received, state):
    assert TERMS.amount_state(received) is AmountState(state)


@pytest.mark.parametrize(
    ("received", "state"),
    [(0, "none"), (989, "partial"), (990, "exact"), (1000, "exact"), (1001, "over")],
)
def test_tolerance_forgives_what_is_missing_and_hides_no_surplus(received, state):
    tolerant = replace(TERMS, tolerance_minor=10)

    assert tolerant.amount_state(received) is AmountState(state)


def test_a_phase_is_final_where_only_money_or_a_person_can_move_it():
    assert {phase for phase in Phase if is_final(phase)} == {
        Phase.PAID,
        Phase.EXPIRED,
        Phase.CANCELED,
    }
