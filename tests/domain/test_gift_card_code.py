"""Codes of gift cards: enough chance in them, and no slip of a finger is another card."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import Conflict, Invalid
from tallystick.domain.ids import CROCKFORD
from tallystick.domain.mailbox import mail_address
from tallystick.products.gift_cards.codes import Mint, check_value, draw_symbols, read_symbols
from tallystick.products.gift_cards.rules import CARD_MOVES, CODED, Card, CardSignal, CardState
from tests.store.rows import NOW

SYMBOLS = st.builds(draw_symbols)
PLACES = st.integers(0, 17)
MINT = Mint.of(b"a secret of thirty-two characters", "HOL-GIFT-")


def test_ten_thousand_codes_are_all_different_and_use_every_symbol_alike():
    drawn = [draw_symbols() for _ in range(10_000)]

    counted = Counter("".join(code[:17] for code in drawn))
    assert len(set(drawn)) == len(drawn)
    assert set(counted) == set(CROCKFORD)
    expected = 10_000 * 17 / 32
    assert all(abs(number - expected) < 0.2 * expected for number in counted.values())


def test_a_code_has_the_prefix_and_eighteen_symbols():
    assert re.fullmatch(r"HOL-GIFT-[0-9A-HJKMNP-TV-Z]{18}", MINT.draw())


@given(SYMBOLS, PLACES, st.sampled_from(CROCKFORD))
def test_one_wrong_symbol_is_noticed(symbols, place, other):
    wrong = symbols[:place] + other + symbols[place + 1 :]

    assert (read_symbols(wrong) == symbols) is (wrong == symbols)
    assert read_symbols(wrong) is None or wrong == symbols


@given(SYMBOLS, PLACES, PLACES)
def test_two_swapped_symbols_are_noticed(symbols, one, other):
    swapped = list(symbols)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    wrong = "".join(swapped)

    # The check symbol itself counts as any other.
    assert wrong == symbols or read_symbols(wrong) is None or 17 in {one, other}


@given(SYMBOLS)
def test_a_code_is_read_as_people_type_it(symbols):
    typed = " ".join(symbols[at : at + 6] for at in (0, 6, 12)).lower()
    typed = typed.replace("0", "o").replace("1", "l")

    assert read_symbols(typed) == symbols
    assert read_symbols("HOL-GIFT-" + symbols) == symbols
    assert read_symbols("OLD-PREFIX-" + symbols) == symbols


@given(st.text(max_size=120))
def test_whatever_is_typed_is_a_code_or_none(text):
    found = read_symbols(text)

    assert found is None or check_value(found[:-1]) == CROCKFORD.index(found[-1])


def test_the_hash_needs_the_key_and_the_seal_its_place():
    code = MINT.draw()
    other = Mint.of(b"another secret of as many letters", "HOL-GIFT-")
    sealed = MINT.seal("gc_1", "code_sealed", code)

    assert MINT.unseal("gc_1", "code_sealed", sealed) == code
    assert MINT.lookup(code) != other.lookup(code)
    for mint, card, what in ((other, "gc_1", "code_sealed"), (MINT, "gc_2", "code_sealed"),
                             (MINT, "gc_1", "email_sealed")):  # fmt: skip
        with pytest.raises(Invalid):
            mint.unseal(card, what, sealed)
    assert code not in repr(MINT)


def test_every_pair_of_state_and_signal_is_a_move_of_the_table_or_refused():
    for state in CardState:
        for signal in CardSignal:
            card = Card("gc_1", "pay_1", state, 1, "VND", "en", b"", None, None, None, NOW, None)
            if (state, signal) in CARD_MOVES:
                assert card.after(signal) is CARD_MOVES[state, signal]
            else:
                with pytest.raises(Conflict):
                    card.after(signal)


def test_nothing_leads_back_from_a_card_with_a_code_to_one_without():
    for (before, _), after in CARD_MOVES.items():
        assert before not in CODED or after in CODED
        assert before is not CardState.REVOKED


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@b", "@b.vn", "a@", "a b@c.vn", "a@b.vn\n", "a@b.vn\r\nBcc: c@d.vn", "<a@b.vn>",
     "a@b.vn,c@d.vn", "á@b.vn", "a@bé.vn", "a..b@c.vn", "a@-b.vn", "a@b.1", f"{'a' * 65}@b.vn",
     f"a@{'b' * 250}.vn", '"a"@b.vn', "a@[127.0.0.1]"],
)  # fmt: skip
def test_what_is_no_plain_address_gets_no_mail(text):
    with pytest.raises(ValueError, match="e-mail address"):
        mail_address(text)


def test_plain_addresses_are_taken_as_they_are():
    for text in ("a@b.vn", "Lan.Nguyen+gift@mail.example.com", "o'neil@example.co.uk",
                 "x@xn--bcher-kva.example"):  # fmt: skip
        assert mail_address(text) == text
