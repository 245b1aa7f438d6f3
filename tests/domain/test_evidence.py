"""The fold: what a set of evidence amounts to, story by story."""

from datetime import UTC, datetime, timedelta

import pytest

from tallystick.domain.evidence import Claim, Credit, Evidence, Source, State, Trust, counts, fold
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

OPENED_AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DUE = 50_000
TERMS = Terms(due=Money(DUE, "VND"), expires_at=OPENED_AT + timedelta(hours=1))
OPENED = Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.OPENED, OPENED_AT)


def minute(number: float) -> datetime:
    """Minutes after the opening; the offer ends with the 60th."""
    return OPENED_AT + timedelta(minutes=number)


def money(name: str, amount: int, at: float, currency: str = "VND") -> Credit:
    """A transfer that the gateway has in its books."""
    return Credit("payos", "shop", name, amount, currency, minute(at))


def answer(at: float, claim: Claim, *told: Credit, attempt: str = "att_1") -> Evidence:
    """What the gateway answered to our own question."""
    return Evidence(
        Source.FETCH, Trust.FETCHED, claim, minute(at), attempt_id=attempt, credits=told,
        counts=True,
    )  # fmt: skip


def notice(at: float, claim: Claim, *told: Credit, trust: Trust = Trust.SIGNED) -> Evidence:
    """A notice that does not count, because we can ask."""
    source = Source.RETURN if trust is Trust.HINT else Source.WEBHOOK
    return Evidence(source, trust, claim, minute(at), attempt_id="att_1", credits=told)


def canceled(at: float) -> Evidence:
    """The merchant takes the offer back."""
    return Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.CANCELED, minute(at))


def resolved(at: float) -> Evidence:
    """A person closes the review."""
    return Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.RESOLVED, minute(at))


def deadline(at: float = 60) -> Evidence:
    """Our clock says that it is over."""
    return Evidence(Source.CLOCK, Trust.OPERATOR, Claim.DEADLINE, minute(at))


def story(*said: Evidence, terms: Terms = TERMS) -> State:
    """The state after the opening and all of this."""
    return fold(terms, [OPENED, *said])


def axes(state: State) -> tuple[Phase, AmountState, bool, Review | None]:
    """The four axes."""
    return state.phase, state.amount_state, state.late, state.review


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
     (DUE + 500, AmountState.EXACT), (DUE + 501, AmountState.OVER)],
)  # fmt: skip
def test_a_gateways_tolerance_is_kept_to_the_unit(amount, state):
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


def test_money_for_a_canceled_payment_goes_to_a_person_and_never_pays():
    state = story(canceled(10), answer(20, Claim.SUCCEEDED, money("FT1", DUE, at=19)))

    assert axes(state) == (Phase.CANCELED, AmountState.EXACT, False, Review.LATE_AFTER_CANCEL)
    assert state.paid_at is None


def test_a_cancellation_with_a_part_of_the_money_here_is_left_to_a_person():
    part = money("FT1", 30_000, at=5)

    by_merchant = story(answer(6, Claim.PENDING, part), canceled(10))
    by_payer = story(answer(6, Claim.PENDING, part), answer(9, Claim.CANCELED, part))

    assert axes(by_merchant) == (Phase.CANCELED, AmountState.PARTIAL, False, Review.UNDERPAID)
    assert axes(by_payer) == axes(by_merchant)


def test_a_cancellation_cannot_touch_what_is_paid():
    state = story(answer(5, Claim.SUCCEEDED, money("FT1", DUE, at=4)), canceled(10))

    assert axes(state) == (Phase.PAID, AmountState.EXACT, False, None)
    assert state.steps[-1].reason == "It is paid already, so canceling changes nothing."


def test_money_on_its_way_cannot_be_canceled_by_us():
    state = story(answer(5, Claim.PROCESSING), canceled(6))

    assert state.phase is Phase.PROCESSING


@pytest.mark.parametrize("claim", [Claim.FAILED, Claim.EXPIRED, Claim.CANCELED, Claim.PENDING])
def test_no_later_word_of_the_gateway_takes_a_payment_back(claim):
    state = story(answer(5, Claim.SUCCEEDED, money("FT1", DUE, at=4)), answer(6, claim), deadline())

    assert axes(state) == (Phase.PAID, AmountState.EXACT, False, None)
    assert state.attempts == {"att_1": AttemptState.SUCCEEDED}


def test_money_in_flight_is_processing_and_its_arrival_pays():
    seen = story(answer(5, Claim.PROCESSING))
    paid = story(answer(5, Claim.PROCESSING), answer(6, Claim.SUCCEEDED, money("FT1", DUE, at=6)))

    assert axes(seen) == (Phase.PROCESSING, AmountState.NONE, False, None)
    assert paid.phase is Phase.PAID


def test_money_in_flight_that_is_withdrawn_opens_the_offer_again():
    state = story(answer(5, Claim.PROCESSING), answer(6, Claim.FAILED))

    assert axes(state) == (Phase.OPEN, AmountState.NONE, False, None)
    assert state.attempts == {"att_1": AttemptState.FAILED}


def test_money_in_flight_elsewhere_keeps_the_payment_processing():
    state = story(
        answer(5, Claim.PROCESSING, attempt="att_1"), answer(6, Claim.FAILED, attempt="att_2")
    )

    assert state.phase is Phase.PROCESSING


def test_a_payer_who_pays_too_little_after_processing_is_not_told_to_wait_for_ever():
    state = story(answer(5, Claim.PROCESSING), answer(6, Claim.PENDING, money("FT1", 30_000, at=6)))

    assert axes(state) == (Phase.OPEN, AmountState.PARTIAL, False, None)
    assert story(*(step.evidence for step in state.steps[1:]), deadline()).phase is Phase.EXPIRED


def test_a_deadline_waits_for_money_in_flight():
    waiting = story(answer(59, Claim.PROCESSING), deadline())
    gone = story(answer(59, Claim.PROCESSING), deadline(), answer(62, Claim.FAILED), deadline(63))
    came = story(
        answer(59, Claim.PROCESSING), deadline(),
        answer(62, Claim.SUCCEEDED, money("FT1", DUE, at=59)),
    )  # fmt: skip

    assert waiting.phase is Phase.PROCESSING
    assert gone.phase is Phase.EXPIRED
    assert axes(came) == (Phase.PAID, AmountState.EXACT, False, None)


def test_a_payer_who_gives_up_at_the_only_offer_cancels_the_payment():
    assert story(answer(5, Claim.CANCELED)).phase is Phase.CANCELED


def test_a_payer_who_gives_up_at_one_of_two_offers_can_still_pay_the_other():
    state = story(
        answer(5, Claim.PENDING, attempt="att_1"), answer(6, Claim.CANCELED, attempt="att_2")
    )

    assert state.phase is Phase.OPEN


def test_a_payer_who_gives_up_on_a_link_can_choose_again():
    terms = Terms(TERMS.due, TERMS.expires_at, retriable=True)

    assert story(answer(5, Claim.CANCELED), terms=terms).phase is Phase.OPEN


@pytest.mark.parametrize("claim", [Claim.FAILED, Claim.EXPIRED, Claim.PENDING])
def test_a_gateways_word_without_money_leaves_the_offer_open_until_our_own_deadline(claim):
    assert story(answer(5, claim)).phase is Phase.OPEN


@pytest.mark.parametrize("trust", [Trust.HINT, Trust.SIGNED])
def test_a_word_that_does_not_count_moves_nothing_whatever_it_says(trust):
    state = story(notice(5, Claim.SUCCEEDED, money("FT1", DUE, at=4), trust=trust))

    assert axes(state) == (Phase.OPEN, AmountState.NONE, False, None)
    assert state.credits == ()
    assert state.attempts == {}


def test_a_signed_notice_that_the_books_deny_until_the_end_is_a_contradiction():
    state = story(notice(5, Claim.SUCCEEDED, money("FT1", DUE, at=4)), deadline())

    assert axes(state) == (Phase.EXPIRED, AmountState.NONE, False, Review.CONTRADICTION)


def test_a_signed_notice_that_the_books_confirm_is_none():
    paid = money("FT1", 30_000, at=4)

    state = story(notice(5, Claim.PENDING, paid), answer(6, Claim.PENDING, paid), deadline())

    assert state.review is Review.UNDERPAID


def test_a_browser_that_lies_until_the_end_makes_no_contradiction():
    lie = notice(5, Claim.SUCCEEDED, money("FT1", DUE, at=4), trust=Trust.HINT)

    assert story(lie, deadline()).review is None


def test_books_that_say_paid_and_show_no_money_are_a_contradiction_at_the_end():
    waiting = story(answer(5, Claim.SUCCEEDED))
    over = story(answer(5, Claim.SUCCEEDED), deadline())

    assert axes(waiting) == (Phase.OPEN, AmountState.NONE, False, None)
    assert axes(over) == (Phase.EXPIRED, AmountState.NONE, False, Review.CONTRADICTION)


def test_a_gateway_that_tells_two_amounts_of_one_transfer_is_left_to_a_person():
    state = story(
        answer(5, Claim.SUCCEEDED, money("FT1", DUE, at=4)),
        answer(6, Claim.PENDING, money("FT1", 5_000, at=4)),
    )

    assert axes(state) == (Phase.PAID, AmountState.EXACT, False, Review.CONTRADICTION)
    assert state.received.minor == DUE


def test_money_that_belongs_to_another_payment_is_not_counted_again():
    taken = Evidence(
        Source.FETCH, Trust.FETCHED, Claim.SUCCEEDED, minute(5), attempt_id="att_1",
        credits=(money("FT1", DUE, at=4),), conflict=True,
    )  # fmt: skip

    state = story(taken)

    assert axes(state) == (Phase.OPEN, AmountState.NONE, False, Review.CONTRADICTION)
    assert state.credits == ()


def test_money_that_a_person_assigns_is_weighed_like_any_other():
    assigned = Evidence(
        Source.OPERATOR, Trust.OPERATOR, Claim.SUCCEEDED, minute(20),
        credits=(money("FT1", DUE, at=4),), counts=True, note="They called.",
    )  # fmt: skip

    assert axes(story(assigned)) == (Phase.PAID, AmountState.EXACT, False, None)
    assert story(canceled(10), assigned).review is Review.LATE_AFTER_CANCEL


def test_a_note_of_our_own_moves_nothing():
    note = Evidence(Source.OPERATOR, Trust.OPERATOR, Claim.PENDING, minute(70), note="They called.")

    state = story(note)

    assert axes(state) == (Phase.OPEN, AmountState.NONE, False, None)
    assert state.steps[-1].reason == "They called."


def test_a_person_closes_a_review_and_new_money_opens_another():
    part, more = money("FT1", DUE + 5, at=4), money("FT2", 10, at=20)

    closed = story(answer(5, Claim.SUCCEEDED, part), resolved(10))
    again = story(
        answer(5, Claim.SUCCEEDED, part), resolved(10), answer(21, Claim.SUCCEEDED, part, more)
    )

    assert closed.review is None
    assert again.review is Review.OVER


def test_the_most_serious_reason_for_a_review_is_named():
    state = story(
        answer(5, Claim.SUCCEEDED, money("FT1", DUE + 5, at=4)),
        answer(6, Claim.SUCCEEDED, money("FT2", 5, at=5, currency="USD")),
    )

    assert state.review is Review.WRONG_CURRENCY


def test_money_before_the_opening_is_not_lost():
    early = answer(-1, Claim.SUCCEEDED, money("FT1", DUE, at=-2))

    assert axes(story(early)) == (Phase.PAID, AmountState.EXACT, False, None)


def test_our_own_question_counts_where_a_fetch_is_needed_and_a_notice_does_not():
    assert counts(Trust.FETCHED, Trust.FETCHED)
    assert not counts(Trust.SIGNED, Trust.FETCHED)
    assert counts(Trust.SIGNED, Trust.SIGNED)
    assert not counts(Trust.HINT, Trust.HINT)


def test_the_same_words_of_the_same_source_are_no_news():
    first, again = answer(5, Claim.PENDING), answer(9, Claim.PENDING)

    assert again.says_the_same_as(first)
    assert again.key != first.key
    assert answer(5, Claim.PENDING).key == first.key
    assert not answer(9, Claim.FAILED).says_the_same_as(first)
    assert not answer(9, Claim.PENDING, money("FT1", 1, at=9)).says_the_same_as(first)
