"""JSON from outside: what is read, and everything that is not."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.errors import MalformedJson
from tallystick.domain.strict_json import parse

LARGEST = 2**53 - 1
PLAIN = st.characters(codec="utf-8", exclude_characters="\0")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.text(PLAIN, max_size=20)
    | st.decimals(-1000, 1000, places=3).map(float),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(PLAIN), inner, max_size=4),
    max_leaves=20,
)


def read(text: str) -> object:
    """What the text is read as, within 64 kB."""
    return parse(text.encode(), limit=65_536)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None), ("true", True), (" [1, -2] ", [1, -2]), ('""', ""), ("{}", {}),
        ('{"a":{"b":["đ"]}}', {"a": {"b": ["đ"]}}), ('"\\u0111"', "đ"), ('"\\ud83d\\ude00"', "😀"),
        ('"\\\\u0000"', "\\u0000"), ('"\\\\ud800"', "\\ud800"),
        (str(LARGEST), LARGEST), (str(-LARGEST), -LARGEST), ("0", 0),
    ],
)  # fmt: skip
def test_plain_json_is_read(text, value):
    read_value = read(text)

    assert read_value == value
    assert type(read_value) is type(value)


@given(value=VALUES, spaced=st.booleans(), escaped=st.booleans())
def test_whatever_is_written_plainly_is_read_back(value, spaced, escaped):
    text = json.dumps(value, ensure_ascii=escaped, indent=1 if spaced else None)

    again = parse(text.encode(), limit=1_000_000)

    assert json.dumps(again, default=float) == json.dumps(value)


@pytest.mark.parametrize("text", ["1.50", "1e3", "-0.0", "10000.0"])
def test_a_fraction_keeps_its_digits_or_is_refused_where_asked(text):
    value = read(f"[{text}]")

    assert value == [Decimal(text)]
    assert repr(value) == repr([Decimal(text)])
    with pytest.raises(MalformedJson, match="fraction"):
        parse(f'{{"amount":{text}}}'.encode(), limit=100, floats=False)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "nul", "{", "[1,]", "{'a':1}", '{"a":1,}', "[1] [2]", "01", "+1", "1.", ".5",
        "１２３", "1_000", "0x10", "NaN", "Infinity", "-Infinity", "[NaN]", "// no\n1", "\ufeff{}",
        '"\n"', '"\t"', '"\x00"', '"\\x41"',
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(text):
    with pytest.raises(MalformedJson):
        read(text)


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"a":1}', '[{"b":{"a":1,"a":2}}]', '{"a":1,"\\u0061":2}', '{"":0,"":0}'],
)
def test_a_repeated_key_is_refused(text):
    with pytest.raises(MalformedJson, match="same key twice"):
        read(text)


@pytest.mark.parametrize("text", [str(LARGEST + 1), str(-LARGEST - 1), "9" * 5000, "-0", "1" * 33])
def test_an_integer_that_not_every_reader_keeps_is_refused(text):
    with pytest.raises(MalformedJson, match="integer"):
        read(f'{{"a":[{text}]}}')


@pytest.mark.parametrize("text", ["1e400", "1e-400", "0." + "1" * 40, "1e99999999999999999999"])
def test_a_number_beyond_reason_is_refused(text):
    with pytest.raises(MalformedJson):
        read(text)


@pytest.mark.parametrize("text", ['"\\u0000"', '{"\\u0000":1}', '["a",{"b":"\\u0000"}]'])
def test_a_nul_is_refused_wherever_it_stands(text):
    with pytest.raises(MalformedJson, match="NUL"):
        read(text)


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\ude00\\ud83d"', '{"\\udfff":1}', '["x\\udbff"]'])
def test_half_of_a_surrogate_pair_is_refused_wherever_it_stands(text):
    with pytest.raises(MalformedJson, match="surrogate"):
        read(text)


@pytest.mark.parametrize(
    "raw", [b"\xff", b'"\xc3"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b"\xff\xfe1\x00"]
)
def test_what_is_not_utf_8_is_refused(raw):
    with pytest.raises(MalformedJson, match="UTF-8"):
        parse(raw, limit=100)


@pytest.mark.parametrize(("open_", "shut"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_goes_32_deep_and_no_deeper(open_, shut):
    levels = 16 if len(open_) == 6 else 32
    value = read(open_ * levels + "1" + shut * levels)

    assert json.dumps(value).count("1") == 1
    for deeper in (levels + 1, 20_000):
        with pytest.raises(MalformedJson, match="deeper"):
            parse((open_ * deeper + "1" + shut * deeper).encode(), limit=1_000_000)


def test_many_objects_side_by_side_are_not_deep():
    assert read("[" + ",".join(["[]"] * 100) + "]") == [[]] * 100


def test_the_limit_is_in_bytes():
    assert parse('"đđ"'.encode(), limit=6) == "đđ"
    with pytest.raises(MalformedJson, match="larger than 5 bytes"):
        parse('"đđ"'.encode(), limit=5)


@given(raw=st.binary(max_size=80) | st.text('{}[]",:\\u0d819e.-+ntf', max_size=60).map(str.encode))
def test_no_bytes_raise_anything_else(raw):
    with suppress(MalformedJson):
        parse(raw, limit=64)


@pytest.mark.parametrize(
    "text", ['{"secret":', '{"secret":1,"secret":2}', '["secret\\u0000"]', "secret"]
)
def test_the_error_never_repeats_the_input(text):
    with pytest.raises(MalformedJson) as refused:
        read(text)

    assert "secret" not in refused.value.detail
