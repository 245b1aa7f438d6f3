"""Answers as values: frozen dataclasses, read by field names, tolerant of what is new."""

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, Self

from tallystick.client.errors import Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Base of all values. `raw` is the whole JSON, with fields that this version does not know."""

    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, document: Any) -> Self:
        """The value in a JSON object. Raises Unreachable where it is not one of a hub's."""
        if not isinstance(document, dict):
            raise Unreachable(f"The answer holds no {cls.__name__}; is this a Tallystick server?")
        try:
            plan = _plan(cls)  # type: ignore[arg-type] # a class is hashable
            found = {name: take(document) for name, take in plan.items()}
        except (KeyError, ValueError, TypeError) as error:
            raise Unreachable(f"The answer is no {cls.__name__}: {error!r}.") from error
        return cls(raw=document, **found)


def named(name: str, **more: Any) -> Any:
    """A field with another name in JSON than its own in camelCase."""
    return field(metadata={"name": name}, **more)


def secret(**more: Any) -> Any:
    """A field that is never printed."""
    return field(repr=False, **more)


def camel(name: str) -> str:
    """`amount_state` as `amountState`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@cache
def _plan(kind: type[Thing]) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
    hints = typing.get_type_hints(kind)
    return {one.name: _taker(one, hints[one.name]) for one in fields(kind) if one.name != "raw"}


def _taker(one: Field[Any], hint: Any) -> Callable[[Mapping[str, Any]], Any]:
    name = one.metadata.get("name", camel(one.name))
    convert = _converter(hint)

    def take(document: Mapping[str, Any]) -> Any:
        if name not in document and one.default is not MISSING:
            return one.default
        value = document[name]
        return None if value is None else convert(value)

    return take


def _converter(hint: Any) -> Callable[[Any], Any]:
    inside = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        kinds = [one for one in inside if one is not types.NoneType]
        return _converter(kinds[0] if len(kinds) == 1 else None)
    if typing.get_origin(hint) is tuple:
        each = _converter(inside[0])
        return lambda values: tuple(each(value) for value in values)
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Thing):
        return hint.read
    return lambda value: value
