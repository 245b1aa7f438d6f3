"""Fields of outside data: right types, or the reader's own error."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain.errors import GatewayUnreachable
from tallystick.domain.fields import Fields


def fields(value: object) -> Fields:
    """One field, `it`."""
    return Fields({"it": value}, GatewayUnreachable)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("whole", 0), ("whole", -5), ("text", ""), ("text", "null"), ("name", "FT 1"),
        ("url", "https://pay.payos.vn/web/1?a=b"), ("url", "http://127.0.0.1:1/x"),
    ],
)  # fmt: skip
def test_a_right_value_is_read_as_it_is(reader, value):
    assert getattr(fields(value), reader)("it") == value


WRONG: dict[str, list[Any]] = {
    "whole": [None, True, "1", 1.0, Decimal(1), [1]],
    "text": [None, 1, True, ["a"], {}],
    "name": ["", "null", "undefined", "a\nb", "\x7f", "x" * 129, None],
    "url": [
        "",
        "javascript:alert(1)",
        "//evil",
        "ftp://x",
        "https://a b",
        'https://a"b',
        "https://",
    ],
    "moment": ["", "soon", "2026-13-01", "0001-01-01T00:00:00+14:00", 1795140907],
    "part": [None, [], "x"],
    "parts": [None, {}, "x", [1], [{}, None]],
}


@pytest.mark.parametrize("reader", WRONG)
def test_a_wrong_value_raises_the_readers_own_error(reader):
    for value in WRONG[reader]:
        with pytest.raises(GatewayUnreachable, match=r"^it is not"):
            getattr(fields(value), reader)("it")
    with pytest.raises(GatewayUnreachable):
        getattr(Fields({}, GatewayUnreachable), reader)("it")


def test_a_time_without_a_zone_is_in_the_zone_that_is_said():
    vietnam = timezone(timedelta(hours=7))

    assert fields("2026-11-20 09:00:00").moment("it", vietnam) == datetime(
        2026, 11, 20, 2, tzinfo=UTC
    )
    assert fields("2026-11-20T09:00:00Z").moment("it", vietnam).hour == 9
    assert fields("2026-11-20T09:00:00").moment("it").hour == 9


def test_parts_are_read_with_the_same_error():
    rows = fields([{"a": 1}, {"a": "x"}]).parts("it")

    assert rows[0].whole("a") == 1
    with pytest.raises(GatewayUnreachable):
        rows[1].whole("a")
