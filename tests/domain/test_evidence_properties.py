"""The fold over any evidence at all: rules 1, 2 and 4, and that no money is ever overlooked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.credit import Credit
from tallystick.domain.evidence import Claim, Evidence, Source, State, Trust, fold
from tallystick.domain.money import Money
from tallystick.domain.payment import MOVES, AmountState, LatePolicy, Phase, Signal, Terms

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
OUR_OWN = {Source.OPERATOR, Source.CLOCK}


def minutes(most: int) -> st.SearchStrategy[datetime]:
    """Whole minutes, so that things happen at the same time now and then."""
    return st.integers(0, most).map(lambda number: START + timedelta(minutes=number))


CREDITS = st.lists(
    st.builds(
        Credit,
        gateway=st.sampled_from(["payos", "sepay"]),
        account=st.just("shop"),
        transaction_id=st.sampled_from(["FT1", "FT2", "FT3", "FT4"]),
        minor=st.sampled_from([1, 10_000, 20_000, 30_000, 49_999, 50_000, 50_001]),
        currency=st.sampled_from(["VND", "VND", "VND", "USD"]),
        at=minutes(150),
    ),
    max_size=3,
    unique_by=lambda credit: credit.name,
)
TERMS = st.builds(
    Terms,
    due=st.just(Money(50_000, "VND")),
    expires_at=st.just(START + timedelta(minutes=60)),
    late_policy=st.sampled_from(LatePolicy),
    retriable=st.booleans(),
    tolerance_minor=st.sampled_from([0, 0, 500]),
)
ATTEMPTS = st.sampled_from([None, "att_1", "att_2"])


@st.composite
def heard(draw: st.DrawFn) -> Evidence:
    """Something that a gateway or a browser said, believed or not."""
    source = draw(st.sampled_from([s for s in Source if s not in OUR_OWN]))
    trust = Trust.HINT if source is Source.RETURN else draw(st.sampled_from(list(Trust)[1:3]))
    conflict = draw(st.sampled_from([False, False, False, True]))
    return Evidence(
        source=source,
        trust=trust,
        claim=draw(st.sampled_from(Claim)),
        observed_at=draw(minutes(120)),
        attempt_id=draw(ATTEMPTS),
        credits=tuple(draw(CREDITS)),
        counts=trust is not Trust.HINT and not conflict and draw(st.booleans()),
        conflict=conflict,
    )


def our_own(*claims: Claim) -> st.SearchStrategy[Evidence]:
    """Something that the merchant or our clock said."""
    return st.builds(
        Evidence,
        source=st.sampled_from(sorted(OUR_OWN)),
        trust=st.just(Trust.OPERATOR),
        claim=st.sampled_from(claims),
        observed_at=minutes(120),
    )


ASSIGNED = st.builds(
    Evidence,
    source=st.just(Source.OPERATOR),
    trust=st.just(Trust.OPERATOR),
    claim=st.just(Claim.SUCCEEDED),
    observed_at=minutes(120),
    credits=CREDITS.filter(bool).map(tuple),
    counts=st.just(True),
)
BUT_RESOLVED = [claim for claim in Claim if claim is not Claim.RESOLVED]
EVIDENCE = st.lists(heard() | ASSIGNED | our_own(*Claim), max_size=12)
UNRESOLVED = st.lists(heard() | ASSIGNED | our_own(*BUT_RESOLVED), max_size=12)


def accepted(state: State) -> bool:
    """Whether a person's word made it paid."""
    return any(step.signal is Signal.ACCEPTED for step in state.steps)


def result(state: State) -> State:
    """The state without the way there."""
    return replace(state, steps=())


@given(TERMS, EVIDENCE, st.randoms(use_true_random=False), st.data())
def test_any_order_and_any_repetition_folds_to_the_same_state(terms, said, luck, data):
    again = [*said, *data.draw(st.lists(st.sampled_from(said), max_size=5))] if said else []
    luck.shuffle(again)

    assert fold(terms, again) == fold(terms, said)


@given(TERMS, EVIDENCE)
def test_paid_is_never_lost_as_time_goes_by(terms, said):
    in_time = sorted(said, key=lambda item: (item.observed_at, item.key))
    states = [fold(terms, in_time[:number]) for number in range(len(in_time) + 1)]

    for earlier, later in pairwise(states):
        if earlier.phase is Phase.PAID:
            assert later.phase is Phase.PAID
            assert later.paid_at == earlier.paid_at
            assert later.received >= earlier.received


@given(TERMS, EVIDENCE)
def test_all_money_that_counts_is_counted_and_no_other(terms, said):
    named = {credit.name for item in said if item.counts for credit in item.credits}

    state = fold(terms, said)

    assert {credit.name for credit in state.credits} == named
    ours = [credit.minor for credit in state.credits if credit.currency == "VND"]
    assert state.received == Money(sum(ours), "VND")
    assert state.amount_state is terms.amount_state(sum(ours))


@given(TERMS, EVIDENCE, st.lists(heard(), max_size=6))
def test_a_browsers_word_never_moves_anything(terms, said, lies):
    hints = [replace(lie, trust=Trust.HINT) for lie in lies]

    assert result(fold(terms, [*said, *hints])) == result(fold(terms, said))


@given(TERMS, UNRESOLVED)
def test_money_that_does_not_simply_pay_is_always_brought_before_a_person(terms, said):
    state = fold(terms, said)

    over = state.phase in {Phase.PAID, Phase.EXPIRED, Phase.CANCELED}
    plain = state.phase is Phase.PAID and state.amount_state is AmountState.EXACT
    decided = plain or state.goes_back or accepted(state)
    if state.credits and over and not decided:
        assert state.review is not None
    if any(credit.currency != "VND" for credit in state.credits):
        assert state.review is not None


@given(TERMS, UNRESOLVED)
def test_the_full_amount_pays_unless_there_is_a_reason_not_to(terms, said):
    state = fold(terms, said)

    if state.amount_state in {AmountState.EXACT, AmountState.OVER}:
        assert state.phase is Phase.PAID or state.review is not None or state.goes_back


@given(TERMS, EVIDENCE)
def test_what_a_person_accepts_is_paid_and_the_amount_stays_the_truth(terms, said):
    state = fold(terms, said)

    received = sum(credit.minor for credit in state.credits if credit.currency == "VND")
    assert state.amount_state is terms.amount_state(received)
    if accepted(state):
        assert state.phase is Phase.PAID


@given(TERMS, EVIDENCE, st.data())
def test_a_person_closes_only_what_is_in_flight(terms, said, data):
    closing = data.draw(our_own(Claim.CLOSED_EXPIRED, Claim.CLOSED_CANCELED))

    state = fold(terms, [*said, closing])

    for step in state.steps:
        said = step.evidence
        if said.claim in {Claim.CLOSED_EXPIRED, Claim.CLOSED_CANCELED} and not said.credits:
            moved = step.after is not step.before
            own = step.evidence.source in OUR_OWN and step.evidence.trust is Trust.OPERATOR
            assert moved == (step.before is Phase.PROCESSING and own)


@given(TERMS, EVIDENCE)
def test_money_goes_back_by_itself_only_where_the_merchant_said_so(terms, said):
    state = fold(terms, said)

    if state.goes_back:
        assert terms.late_policy is LatePolicy.AUTO_REFUND
        assert state.late


@given(TERMS, EVIDENCE)
def test_paid_has_a_time_and_enough_money_and_nothing_else_has_a_time(terms, said):
    state = fold(terms, said)

    if state.phase is Phase.PAID:
        assert state.paid_at is not None
        least = 1 if accepted(state) else terms.due.minor - terms.tolerance_minor
        assert state.received.minor >= least
    else:
        assert state.paid_at is None


@given(TERMS, EVIDENCE)
def test_every_step_is_a_move_of_the_table_and_says_why(terms, said):
    state = fold(terms, said)

    phase = Phase.DRAFT
    for step in state.steps:
        assert step.before is phase
        if step.after is not step.before:
            assert step.signal is not None
            assert MOVES[step.before, step.signal] is step.after
        assert step.reason.endswith(".")
        phase = step.after
    assert phase is state.phase
