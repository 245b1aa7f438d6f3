"""What is wrong with the values that came, in words that a person can act on."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from pydantic_core import ErrorDetails

# By the validator's own name of the fault; the words take what it says beside it.
_WORDS: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request; remove it",
    "string_type": "is a text",
    "string_too_long": "has at most {max_length} characters",
    "too_short": "has at least {min_length} entries",
    "too_long": "has at most {max_length} entries",
    "int_type": "is a whole number",
    "int_parsing": "is a whole number",
    "int_from_float": "is a whole number",
    "decimal_type": "is a number",
    "decimal_parsing": "is a number",
    "decimal_max_digits": "has at most {max_digits} digits",
    "decimal_max_places": "has at most {decimal_places} decimals",
    "decimal_whole_digits": "has at most {whole_digits} digits before the point",
    "float_type": "is a number",
    "float_parsing": "is a number",
    "finite_number": "is a finite number",
    "bool_type": "is true or false",
    "bool_parsing": "is true or false",
    "none_required": "is null",
    "list_type": "is a list",
    "tuple_type": "is a list",
    "dict_type": "is an object of names and values",
    "model_type": "is an object",
    "model_attributes_type": "is an object",
    "greater_than": "is more than {gt}",
    "greater_than_equal": "is at least {ge}",
    "less_than": "is less than {lt}",
    "less_than_equal": "is at most {le}",
    "literal_error": "is one of {expected}",
    "enum": "is one of {expected}",
    "date_from_datetime_parsing": "is a day such as 2026-11-20",
    "date_parsing": "is a day such as 2026-11-20",
    "date_type": "is a day such as 2026-11-20",
}
_ANY_OTHER: Final = "cannot be used as it is"


def wrong_values(errors: Iterable[ErrorDetails], given: Any) -> tuple[tuple[str, str], ...]:
    """Each place in what was given, once, with what it should be; in the order of the faults."""
    found: dict[str, list[str]] = {}
    for error in errors:
        words = found.setdefault(place(error["loc"], given, error["type"]), [])
        if words_of(error) not in words:
            words.append(words_of(error))
    return tuple((name, "; or ".join(words)) for name, words in found.items())


def place(location: Iterable[int | str], given: Any, kind: str) -> str:
    """Where it is wrong, as the caller knows it: without the validator's names of the choices."""
    path, here = list(location), given
    names = []
    for part in path:
        inner = _inside(here, part)
        if inner is not None or (kind == "missing" and part == path[-1]):
            names.append(str(part))
            here = here if inner is None else inner[0]
    return ".".join(names) or "body"


def _inside(given: Any, part: int | str) -> tuple[Any] | None:
    """What stands at this place of an object or a list; None where there is no such place."""
    if isinstance(given, Mapping) and part in given:
        return (given[part],)
    if isinstance(given, list) and isinstance(part, int) and part < len(given):
        return (given[part],)
    return None


def words_of(error: ErrorDetails) -> str:
    """What the value should be."""
    kind, told = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(told["error"])
    if isinstance(error.get("input"), Decimal) and "int" in kind:
        return "is a whole number of minor units, without a fraction"
    if kind == "string_too_short":
        least = told["min_length"]
        return "is not empty" if least == 1 else f"has at least {least} characters"
    if kind == "string_pattern_mismatch":
        pattern = told["pattern"]
        return "is an e-mail address" if "@" in pattern else f"has the form {pattern}"
    return _WORDS.get(kind, _ANY_OTHER).format_map(told)
