"""The JSON Schema of answers, made from the types that their builders return."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from tallystick.web.schema_parts import PLACE, Schema

_MODE: Final[JsonSchemaMode] = "serialization"
_UNSAID: Final = {"title", "properties"}


class _Untitled(GenerateJsonSchema):
    """Members are known by their names; a title in other letters says nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False


class Schemas(Mapping[str, Schema]):
    """TypedDicts as JSON Schema, by the names that `ref` gives them; made when they are asked for.

    `PaymentAnswer` is called `Payment`; what is sent in events keeps its name (`RefundNews`). Other
    types (`Standing`, words of a list) have none: they stand where they are used. The docstring is
    the description.
    """

    def __init__(self, *shapes: type) -> None:
        self._shapes = {_named(shape.__name__): shape for shape in shapes}

    def __getitem__(self, name: str) -> Schema:
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    # Most processes are never asked for the description, and it takes a while to make.
    @cached_property
    def _made(self) -> dict[str, Schema]:
        inputs = [(shape, _MODE, TypeAdapter[Any](shape)) for shape in self._shapes.values()]
        _, found = TypeAdapter.json_schemas(
            inputs, ref_template=PLACE + "{model}", schema_generator=_Untitled
        )
        known = found["$defs"]
        return {
            name: _written(known[shape.__name__], known) for name, shape in self._shapes.items()
        }


def _named(name: str) -> str:
    """What a class is called in the description; nothing where it stands where it is used."""
    return name.removesuffix("Answer") if name.endswith(("Answer", "News")) else ""


def _written(schema: Any, known: dict[str, Schema]) -> Any:
    """The same, without titles, with references by the names of the description."""
    if isinstance(schema, list):
        return [_written(one, known) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _followed(schema["$ref"].removeprefix(PLACE), known)
    written = {
        key: _written(value, known)
        for key, value in schema.items()
        if key not in _UNSAID and (key, value) != ("additionalProperties", True)
    }
    if "properties" in schema:
        members = schema["properties"].items()
        written["properties"] = {name: _written(value, known) for name, value in members}
    return written


def _followed(name: str, known: dict[str, Schema]) -> Schema:
    if _named(name):
        return {"$ref": PLACE + _named(name)}
    inside: Schema = _written(known[name], known)
    inside.pop("description", None)
    return inside
