"""What the shapes of the answers are put together from, as JSON Schema."""

from collections.abc import Iterable
from typing import Any, Final

from tallystick.domain.payment import AmountState

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
WHOLE: Final[Schema] = {"type": "integer"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number", "minimum": 0}
MINOR: Final[Schema] = {**COUNT, "description": "Whole minor units."}
SIGNED: Final[Schema] = {"type": "integer", "description": "Whole minor units."}
PERCENT: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 100}
CURRENCY: Final[Schema] = {"type": "string", "pattern": "^[A-Z]{3}$"}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}
NOTES: Final[Schema] = {"type": "object"}


def one_of(words: Iterable[str]) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(words)}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


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
    return {"$ref": f"#/components/schemas/{name}"}


def one(name: str, **beside: Schema) -> Schema:
    """`{"data": {…}}`, with what stands beside it."""
    return object_(data=ref(name), **beside)


def several(name: str, **beside: Schema) -> Schema:
    """`{"data": [{…}], "pagination": {…}}`, with what stands beside it."""
    return object_(data=many(ref(name)), pagination=ref("Pagination"), **beside)


MONEY: Final[dict[str, Schema]] = {"amount": MINOR, "currency": CURRENCY}
STANDING: Final[dict[str, Schema]] = {
    "amountState": one_of(AmountState),
    "late": FLAG,
    "received": MINOR,
    "expiresAt": INSTANT,
    "version": COUNT,
}
"""How a payment stands, as every answer about one says."""

NEXT: Final[dict[str, Schema]] = {
    "asOf": or_null(INSTANT), "nextCheckAt": or_null(INSTANT),
}  # fmt: skip
"""When the gateway was asked last, and will be asked again."""
