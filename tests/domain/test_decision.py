"""What a person decides, and what a merchant decided beforehand, told as short stories."""

from dataclasses import replace

import pytest

from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.payment import AmountState, LatePolicy, Phase, Review
from tests.domain.telling import (
    DUE,
    TERMS,
    answer,
    axes,
    canceled,
    deadline,
    minute,
    money,
    resolved,
    story,
)

SHORT = answer(5, Claim.PENDING, money("FT1", DUE - 1_000, at=4))
GIVES_BACK = replace(TERMS, late_policy=LatePolicy.AUTO_REFUND)


def decided(claim: Claim, at: float, note: str = "We know her.") -> Evidence:
    """A person's word."""
    return Evidence(Source.OPERATOR, Trust.OPERATOR, claim, minute(at), note=note)


def unfinished(at: float) -> Evidence:
    """Our clock has waited for long."""
    return Evidence(Source.CLOCK, Trust.OPERATOR, Claim.UNFINISHED, minute(at))


def test_a_transfer_that_is_a_little_short_is_accepted_and_stays_partial():
    state = story(SHORT, decided(Claim.ACCEPTED, 10))

    assert axes(state) == (Phase.PAID, AmountState.PARTIAL, False, None)
    assert state.paid_at == minute(10)
    assert state.steps[-1].reason.endswith("as enough, because: We know her.")


def test_a_short_transfer_is_accepted_after_the_deadline_too():
    state = story(SHORT, deadline(), decided(Claim.ACCEPTED, 90))

    assert axes(state) == (Phase.PAID, AmountState.PARTIAL, False, None)


def test_money_that_came_after_a_cancellation_can_be_accepted():
    late = answer(70, Claim.SUCCEEDED, money("FT1", DUE, at=69))

    state = story(canceled(5), late, decided(Claim.ACCEPTED, 90))

    assert axes(state) == (Phase.PAID, AmountState.EXACT, True, None)


def test_where_no_money_is_there_is_nothing_to_accept():
    state = story(decided(Claim.ACCEPTED, 10))

    assert axes(state) == (Phase.OPEN, AmountState.NONE, False, None)


def test_the_rest_of_what_was_accepted_brings_it_before_nobody():
    rest = answer(20, Claim.SUCCEEDED, money("FT2", 1_000, at=19))

    state = story(SHORT, decided(Claim.ACCEPTED, 10), rest)

    assert axes(state) == (Phase.PAID, AmountState.EXACT, False, None)


def test_more_than_was_accepted_and_due_is_told():
    more = answer(20, Claim.SUCCEEDED, money("FT2", 1_001, at=19))

    state = story(SHORT, decided(Claim.ACCEPTED, 10), more)

    assert axes(state) == (Phase.PAID, AmountState.OVER, False, Review.SECOND_PAYER)


@pytest.mark.parametrize(
    ("claim", "phase"),
    [(Claim.CLOSED_EXPIRED, Phase.EXPIRED), (Claim.CLOSED_CANCELED, Phase.CANCELED)],
)
def test_a_person_ends_what_is_in_flight_for_ever(claim, phase):
    state = story(answer(5, Claim.PROCESSING), unfinished(1500), decided(claim, 1600))

    assert axes(state) == (phase, AmountState.NONE, False, None)


def test_what_was_closed_as_expired_is_still_paid_by_late_money():
    late = answer(1700, Claim.SUCCEEDED, money("FT1", DUE, at=1690))

    state = story(answer(5, Claim.PROCESSING), decided(Claim.CLOSED_EXPIRED, 1600), late)

    assert axes(state) == (Phase.PAID, AmountState.EXACT, True, None)


def test_only_what_is_in_flight_can_be_closed():
    assert story(decided(Claim.CLOSED_CANCELED, 5)).phase is Phase.OPEN


def test_what_is_in_flight_for_too_long_is_in_review_until_it_is_in_flight_no_more():
    flying = story(answer(5, Claim.PROCESSING), unfinished(1500))
    landed = story(answer(5, Claim.PROCESSING), unfinished(1500), answer(1501, Claim.PENDING))

    assert axes(flying) == (Phase.PROCESSING, AmountState.NONE, False, Review.UNFINISHED)
    assert axes(landed) == (Phase.OPEN, AmountState.NONE, False, None)


def test_late_money_goes_back_by_itself_where_the_merchant_said_so():
    late = answer(70, Claim.SUCCEEDED, money("FT1", DUE, at=69))

    state = story(deadline(), late, terms=GIVES_BACK)

    assert axes(state) == (Phase.EXPIRED, AmountState.EXACT, True, None)
    assert state.goes_back


def test_money_in_time_is_not_given_back_by_itself():
    state = story(answer(61, Claim.SUCCEEDED, money("FT1", DUE, at=59)), terms=GIVES_BACK)

    assert axes(state) == (Phase.PAID, AmountState.EXACT, False, None)
    assert not state.goes_back


def test_a_review_that_was_closed_comes_again_with_what_is_new():
    foreign = answer(5, Claim.PENDING, money("FT1", 20, at=4, currency="USD"))
    again = answer(20, Claim.PENDING, money("FT2", 20, at=19, currency="USD"))

    looked_at, new = story(foreign, resolved(10)), story(foreign, resolved(10), again)

    assert looked_at.review is None
    assert new.review is Review.WRONG_CURRENCY
