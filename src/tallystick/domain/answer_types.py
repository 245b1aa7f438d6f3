"""What the members of answers are, with what the API description says of each."""

from collections.abc import Mapping
from typing import Annotated, Any

from typing_extensions import TypedDict


class Shown:
    """Says more of a member in its JSON Schema than its type does; pydantic asks for it by name."""

    __slots__ = ("_words",)

    def __init__(self, **words: object) -> None:
        self._words = words

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Mapping[str, object]:
        """The schema of the type, and these words."""
        return {**handler(schema), **self._words}


Count = Annotated[int, Shown(minimum=0)]
Number = Annotated[float, Shown(minimum=0)]
Percent = Annotated[int, Shown(minimum=0, maximum=100)]
Minor = Annotated[int, Shown(minimum=0, description="Whole minor units.")]
Signed = Annotated[int, Shown(description="Whole minor units.")]
Currency = Annotated[str, Shown(pattern="^[A-Z]{3}$")]
Instant = Annotated[str, Shown(format="date-time")]
Notes = dict[str, Any]


class Amount(TypedDict):
    """Money."""

    amount: Minor
    currency: Currency
