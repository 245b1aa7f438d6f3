"""The fold: what money amounts to, in time and late, too little and too much."""

import pytest

from tallystick.domain.evidence import Claim, fold
from tallystick.domain.money import Money
from tallystick.domain.payment import (
    AmountState,
    AttemptState,
    LatePolicy,
    Phase,
    Review,
    Signal,
    Terms,
)
from tests.domain.telling import (
    DUE,
    TERMS,
    answer,
    axes,
    deadline,
    minute,
    money,
    story,
)


def test_nothing_said_is_a_draft():
    state = fold(TERMS, [])

    assert axes(state) == (Phase.DRAFT, AmountState.NONE, False, None)
    assert state.steps == ()


def test_the_exact_amount_in_time_is_plain_paid():
    state = story(answer(5, Claim.SUCCEEDED, money("FT1", DUE, at=4)))

    assert axes(state) == (Phase.PAID, AmountState.EXACT, False, None)
    assert state.paid_at == minute(4)
    assert state.received == Money(DUE, "VND")
    assert state.attempts == {"att_1": AttemptState.SUCCEEDED}
    assert state.steps[-1].signal is Signal.PAID
    assert "50000 VND of 50000 VND" in state.steps[-1].reason


def test_too_little_waits_for_the_rest_and_is_paid_with_it():
    part, rest = money("FT1", 30_000, at=2), money("FT2", 20_000, at=6)

    waiting = story(answer(3, Claim.PENDING, part))
    paid = story(answer(3, Claim.PENDING, part), answer(7, Claim.SUCCEEDED, part, rest))

    assert axes(waiting) == (Phase.OPEN, AmountState.PARTIAL, False, None)
    assert axes(paid) == (Phase.PAID, AmountState.EXACT, False, None)
    assert paid.paid_at == minute(6)


def test_too_much_is_paid_and_a_person_is_told():
    state = story(answer(5, Claim.SUCCEEDED, money("FT1", DUE + 1, at=4)))

    assert axes(state) == (Phase.PAID, AmountState.OVER, False, Review.OVER)


@pytest.mark.parametrize(
    ("amount", "state"),
    [(DUE - 501, AmountState.PARTIAL), (DUE - 500, AmountState.EXACT),
     (DUE, AmountState.EXACT), (DUE + 1, AmountState.OVER)],
)  # fmt: skip
def test_a_payments_tolerance_is_kept_to_the_unit(amount, state):
    terms = Terms(TERMS.due, TERMS.expires_at, tolerance_minor=500)

    folded = story(answer(5, Claim.PENDING, money("FT1", amount, at=4)), terms=terms)

    assert folded.amount_state is state
    assert (folded.phase is Phase.PAID) == (state is not AmountState.PARTIAL)


def test_two_payers_on_two_attempts_are_both_counted_and_the_second_goes_to_a_person():
    state = story(
        answer(5, Claim.SUCCEEDED, money("FT1", DUE, at=4), attempt="att_1"),
        answer(6, Claim.SUCCEEDED, money("FT2", DUE, at=5), attempt="att_2"),
    )

    assert axes(state) == (Phase.PAID, AmountState.OVER, False, Review.SECOND_PAYER)
    assert state.received.minor == 2 * DUE
    assert state.paid_at == minute(4)


def test_one_payer_who_pays_twice_gets_the_surplus_back():
    first, again = money("FT1", DUE, at=4), money("FT2", DUE, at=5)

    state = story(answer(4, Claim.SUCCEEDED, first), answer(6, Claim.SUCCEEDED, first, again))

    assert axes(state) == (Phase.PAID, AmountState.OVER, False, Review.OVER)


def test_money_in_another_currency_never_pays():
    state = story(answer(5, Claim.SUCCEEDED, money("FT1", DUE, at=4, currency="USD")))

    assert axes(state) == (Phase.OPEN, AmountState.NONE, False, Review.WRONG_CURRENCY)
    assert state.received == Money(0, "VND")
    assert [credit.transaction_id for credit in state.credits] == ["FT1"]


def test_the_right_money_beside_a_wrong_currency_pays_and_a_person_is_told():
    dollars, dong = money("FT1", 2, at=3, currency="USD"), money("FT2", DUE, at=4)

    state = story(answer(5, Claim.SUCCEEDED, dollars, dong))

    assert axes(state) == (Phase.PAID, AmountState.EXACT, False, Review.WRONG_CURRENCY)


def test_money_after_the_deadline_is_paid_late():
    state = story(deadline(), answer(90, Claim.SUCCEEDED, money("FT1", DUE, at=80)))

    assert axes(state) == (Phase.PAID, AmountState.EXACT, True, None)
    assert state.paid_at == minute(80)


def test_money_of_before_the_deadline_that_we_hear_of_afterwards_is_not_late():
    state = story(deadline(), answer(90, Claim.SUCCEEDED, money("FT1", DUE, at=59)))

    assert axes(state) == (Phase.PAID, AmountState.EXACT, False, None)


def test_the_last_second_is_still_in_time():
    at_the_end = story(answer(61, Claim.SUCCEEDED, money("FT1", DUE, at=60)))
    after_it = story(answer(61, Claim.SUCCEEDED, money("FT1", DUE, at=60.001)))

    assert not at_the_end.late
    assert after_it.late


def test_a_bank_whose_clock_runs_ahead_makes_nobody_late():
    state = story(answer(50, Claim.SUCCEEDED, money("FT1", DUE, at=75)))

    assert axes(state) == (Phase.PAID, AmountState.EXACT, False, None)
    assert state.paid_at == minute(50)


LEFT_TO_A_PERSON = Terms(TERMS.due, TERMS.expires_at, late_policy=LatePolicy.REVIEW)


def test_a_product_that_wants_it_leaves_late_money_to_a_person():
    state = story(
        deadline(),
        answer(90, Claim.SUCCEEDED, money("FT1", DUE, at=80)),
        terms=LEFT_TO_A_PERSON,
    )

    assert axes(state) == (Phase.EXPIRED, AmountState.EXACT, True, Review.LATE)
    assert state.paid_at is None


def test_late_money_that_we_hear_of_before_we_close_the_offer_is_not_called_underpaid():
    state = story(
        answer(61, Claim.SUCCEEDED, money("FT1", DUE, at=60.5)),
        deadline(62),
        terms=LEFT_TO_A_PERSON,
    )

    assert axes(state) == (Phase.EXPIRED, AmountState.EXACT, True, Review.LATE)


def test_a_sum_that_was_completed_late_is_late_in_whatever_order_we_hear_of_its_parts():
    early, late = money("FT1", 30_000, at=55), money("FT2", 20_000, at=65)

    first_things_first = story(
        answer(56, Claim.PENDING, early),
        answer(70, Claim.SUCCEEDED, early, late),
        terms=LEFT_TO_A_PERSON,
    )
    last_things_first = story(
        answer(66, Claim.PENDING, late),
        answer(70, Claim.SUCCEEDED, early, late),
        terms=LEFT_TO_A_PERSON,
    )

    assert axes(first_things_first) == (Phase.OPEN, AmountState.EXACT, True, Review.LATE)
    assert axes(last_things_first) == axes(first_things_first)


def test_the_time_of_payment_is_that_of_the_last_part():
    early, late = money("FT1", 30_000, at=10), money("FT2", 20_000, at=20)

    state = story(answer(25, Claim.PENDING, late), answer(30, Claim.SUCCEEDED, early, late))

    assert state.paid_at == minute(20)


def test_an_offer_that_ends_with_a_part_of_the_money_is_left_to_a_person():
    part = money("FT1", 30_000, at=10)

    state = story(answer(11, Claim.PENDING, part), deadline())

    assert axes(state) == (Phase.EXPIRED, AmountState.PARTIAL, False, Review.UNDERPAID)


def test_a_part_that_comes_after_the_deadline_is_left_to_a_person_and_the_rest_mends_it():
    part, rest = money("FT1", 30_000, at=70), money("FT2", 20_000, at=80)

    waiting = story(deadline(), answer(71, Claim.EXPIRED, part))
    mended = story(
        deadline(), answer(71, Claim.EXPIRED, part), answer(81, Claim.SUCCEEDED, part, rest)
    )

    assert axes(waiting) == (Phase.EXPIRED, AmountState.PARTIAL, True, Review.UNDERPAID)
    assert axes(mended) == (Phase.PAID, AmountState.EXACT, True, None)
