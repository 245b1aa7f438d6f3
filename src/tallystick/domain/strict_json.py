"""Reads JSON from outside so strictly that two readers can never disagree about it."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tallystick.domain.errors import MalformedJson

# The largest integer that JSON readers in every language keep exact (2^53 - 1).
LARGEST_INTEGER: Final = 9_007_199_254_740_991
DEEPEST: Final = 32
_LONGEST_NUMBER: Final = 32


def parse(raw: bytes, *, limit: int, floats: bool = True, wide: bool = False) -> object:
    """The value that the bytes spell: dict, list, str, int, Decimal, bool or None.

    `limit` is the largest accepted size in bytes. Fractions are kept as `Decimal`, or refused
    where `floats` is false (money). Integers of up to 32 digits are taken where `wide` is true (ids
    that a gateway writes as numbers). Raises MalformedJson, and nothing else, for all that is not
    UTF-8 JSON, for integers beyond 2^53 - 1, repeated keys, NaN, Infinity, nesting deeper than 32,
    NUL and lone surrogates; the message never repeats the input.
    """
    if len(raw) > limit:
        raise MalformedJson(f"The body is larger than {limit} bytes; send less.")
    try:
        decoder = _WIDE if wide else _WITH_FLOATS if floats else _WITHOUT_FLOATS
        value = decoder.decode(raw.decode("utf-8"))
    except MalformedJson:
        raise
    except UnicodeDecodeError:
        raise MalformedJson("The body is not UTF-8.") from None
    except RecursionError:
        raise MalformedJson(f"The body is nested deeper than {DEEPEST}.") from None
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise MalformedJson(f"The body is not JSON{where}.") from None
    # Most bodies are too small and plain to hide anything: then the walk is not needed.
    if raw.count(b"[") + raw.count(b"{") > DEEPEST or b"\\u" in raw:
        _inspect(value, DEEPEST)
    return value


def _inspect(value: object, levels: int) -> None:
    if isinstance(value, str):
        _inspect_text(value)
    elif isinstance(value, dict | list):
        if levels == 0:
            raise MalformedJson(f"The body is nested deeper than {DEEPEST}.")
        for part in value:
            _inspect(part, levels - 1)
        if isinstance(value, dict):
            for part in value.values():
                _inspect(part, levels - 1)


def _inspect_text(text: str) -> None:
    if "\0" in text:
        raise MalformedJson("A text holds a NUL character.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise MalformedJson("A text holds half of a surrogate pair.")


def _whole(digits: str) -> int:
    # "-0" is refused because it would not be written back as it came (signatures need that).
    if digits == "-0" or len(digits) > _LONGEST_NUMBER or abs(int(digits)) > LARGEST_INTEGER:
        raise MalformedJson(f"An integer is outside ±{LARGEST_INTEGER}, or is minus zero.")
    return int(digits)


def _wide(digits: str) -> int:
    if digits == "-0" or len(digits) > _LONGEST_NUMBER:
        raise MalformedJson("An integer has more digits than anyone can mean, or is minus zero.")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    try:
        number = Decimal(digits) if len(digits) <= _LONGEST_NUMBER else None
    except InvalidOperation:
        number = None
    if number is None or abs(number.adjusted()) > _LONGEST_NUMBER:
        raise MalformedJson("A number has more digits than anyone can mean.")
    return number


def _no_fraction(_digits: str) -> Decimal:
    raise MalformedJson("A number has a fraction or an exponent; amounts are whole minor units.")


def _no_constant(name: str) -> object:
    raise MalformedJson(f"{name} is not JSON.")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedJson("An object names the same key twice.")
    return found


_WITH_FLOATS: Final = json.JSONDecoder(
    object_pairs_hook=_distinct,
    parse_int=_whole,
    parse_float=_fraction,
    parse_constant=_no_constant,
)
_WITHOUT_FLOATS: Final = json.JSONDecoder(
    object_pairs_hook=_distinct,
    parse_int=_whole,
    parse_float=_no_fraction,
    parse_constant=_no_constant,
)
_WIDE: Final = json.JSONDecoder(
    object_pairs_hook=_distinct,
    parse_int=_wide,
    parse_float=_fraction,
    parse_constant=_no_constant,
)
