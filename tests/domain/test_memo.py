"""Our codes are found again in real forms of bank memos, and nobody else's by accident."""

import json
from pathlib import Path
from random import Random

import pytest

from tallystick.domain.ids import CROCKFORD, memo_code
from tallystick.domain.memo import MOST, bare, candidates
from tallystick.sandbox.simulators.acts import mangled

# Forms of surrounding text from public repositories' fixtures; the codes are ours.
VECTORS = json.loads((Path(__file__).parent / "vectors" / "memo.json").read_text())


@pytest.mark.parametrize("prefix", ["HB", "TS"])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["in"][:30])
def test_the_code_is_found_in_what_a_bank_makes_of_it(vector, prefix):
    def ours(text: str) -> str:
        return text.replace("HB", prefix).replace("hb", prefix.lower())

    found = candidates([ours(vector["in"])], prefix)

    assert found == (() if vector["out"] is None else (ours(vector["out"]),))


def test_overlapping_places_are_all_candidates():
    assert candidates(["TSTS1234567"]) == ("TSTS12345", "TS1234567")


def test_marks_and_the_vietnamese_d_are_made_plain():
    assert bare("Đơn hàng số 7: té-đệ") == "DONHANGSO7TEDE"


def test_what_was_recognised_comes_before_what_is_only_in_the_text():
    assert candidates(["TS7654321", "TS1234567 TS7654321", None, ""]) == ("TS7654321", "TS1234567")


def test_a_stranger_cannot_make_us_look_up_thousands():
    assert len(candidates(["".join(f"TS{number:07}" for number in range(5000))])) == MOST


def test_digits_of_other_scripts_are_no_digits():
    assert candidates(["TS１２３４５６７"]) == ()


@pytest.mark.parametrize("prefix", ["", "T", "T.", "ts", "TOOLONG"])
def test_a_prefix_is_capital_letters(prefix):
    with pytest.raises(ValueError, match="capital letters"):
        candidates(["x"], prefix)


def test_ten_thousand_mangled_memos_find_their_own_code_and_nobody_elses():
    rng = Random(20261120)
    codes = ["TS" + "".join(rng.choices(CROCKFORD, k=7)) for _ in range(10_000)]
    known = set(codes)

    wrong = [
        (code, others)
        for code in codes
        if (others := set(candidates([mangled(code, rng)])) & known) != {code}
    ]

    assert wrong == []


def test_a_drawn_code_is_found_where_it_stands_alone():
    code = memo_code()

    assert candidates([code.lower()]) == (code,)
