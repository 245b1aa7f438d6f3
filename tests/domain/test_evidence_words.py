"""The fold: what words amount to: cancellations, money in flight, hints and contradictions."""

import pytest

from tallystick.domain.evidence import Claim, Evidence, Source, Trust, counts
from tallystick.domain.payment import (
    AmountState,
    AttemptState,
    Phase,
    Review,
    Terms,
)
from tests.domain.telling import (
    DUE,
    TERMS,
    answer,
    axes,
    canceled,
    deadline,
    minute,
    money,
    notice,
    resolved,
    story,
)


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


def test_a_part_that_arrives_while_more_is_in_flight_leaves_it_in_flight():
    part = money("FT1", 30_000, at=6)

    state = story(answer(5, Claim.PROCESSING), answer(6, Claim.PROCESSING, part))

    assert axes(state) == (Phase.PROCESSING, AmountState.PARTIAL, False, None)


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
