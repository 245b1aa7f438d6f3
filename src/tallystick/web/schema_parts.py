"""What stands around the shapes of answers in the API description: lists, names, envelopes."""

from typing import Any, Final

Schema = dict[str, Any]
PLACE: Final = "#/components/schemas/"

TEXT: Final[Schema] = {"type": "string"}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}


def many(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def object_(*groups: dict[str, Schema], **members: Schema) -> Schema:
    """An object that always has these members."""
    properties: dict[str, Schema] = {}
    for group in (*groups, members):
        properties |= group
    return {"type": "object", "required": list(properties), "properties": properties}


def ref(name: str) -> Schema:
    """A reference to a shape by its name."""
    return {"$ref": PLACE + name}


def one(name: str, **beside: Schema) -> Schema:
    """`{"data": {…}}`, with what stands beside it."""
    return object_(data=ref(name), **beside)


def several(name: str, **beside: Schema) -> Schema:
    """`{"data": [{…}], "pagination": {…}}`, with what stands beside it."""
    return object_(data=many(ref(name)), pagination=ref("Pagination"), **beside)
