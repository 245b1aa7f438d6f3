"""What a payer is told: every state has words."""

from itertools import product

import pytest

from tallystick.domain.link import LINK_STATUS, SENTENCES, LinkStatus, Message, message
from tallystick.domain.payment import AmountState, Phase, Review
from tallystick.domain.refund import Returned

EVERY = list(product(Phase, AmountState, (False, True)))
WENT_BACK = list(product(Phase, Returned))


@pytest.mark.parametrize(("phase", "amount_state", "late"), EVERY)
def test_every_state_has_a_message_with_words(phase, amount_state, late):
    sentence, advice = SENTENCES[message(phase, amount_state, late=late)]

    assert sentence.endswith(".")
    assert advice.endswith(".")


def test_every_message_is_said_somewhere():
    said = {message(phase, amount, late=late) for phase, amount, late in EVERY}
    said |= {message(phase, AmountState.EXACT, late=False, returned=how)
             for phase, how in WENT_BACK}  # fmt: skip
    said.add(message(Phase.OPEN, AmountState.NONE, late=False, review=Review.WRONG_CURRENCY))

    assert said == set(Message) == set(SENTENCES)


def test_only_a_paid_payment_is_called_paid():
    for phase, amount_state, late in EVERY:
        said = message(phase, amount_state, late=late)

        assert said.startswith("paid") == (phase is Phase.PAID)


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.EXPIRED, Phase.CANCELED])
def test_money_that_is_here_is_never_passed_over_in_silence(phase):
    nothing = message(phase, AmountState.NONE, late=False)

    for state in (AmountState.PARTIAL, AmountState.EXACT, AmountState.OVER):
        assert message(phase, state, late=False) is not nothing


def test_a_payer_with_money_in_flight_is_told_not_to_pay_again():
    said = message(Phase.PROCESSING, AmountState.PARTIAL, late=False)

    assert "not pay again" in SENTENCES[said][1]


def test_an_older_client_knows_every_phase_by_a_word_of_its_own():
    assert set(LINK_STATUS) == set(Phase)
    assert LINK_STATUS[Phase.PROCESSING] is LinkStatus.OPEN
    assert {phase for phase, word in LINK_STATUS.items() if word is LinkStatus.PAID} == {Phase.PAID}
