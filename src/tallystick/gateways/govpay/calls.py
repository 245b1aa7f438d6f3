"""What GovPay+ sends: one form for both of its calls, in several spellings."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tallystick.domain import strict_json
from tallystick.domain.errors import HubError, Invalid, MalformedJson

_LARGEST: Final = 65_536
_MOST_ITEMS: Final = 50
_LONGEST: Final = 128
# The spellings that public integrations meet, in lower case.
_TRANSACTION: Final = ("transactionid",)
_INSTITUTION: Final = ("subinstid", "suinstid")
_SERVICE: Final = ("serviceid", "serviced")
_REFERENCE: Final = re.compile(r"[A-Z0-9]{1,50}")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Item:
    """One of the named values. `numeric` tells a JSON number, which is echoed as a decimal."""

    seq: str
    name: str
    value: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One call, with everything in it as text."""

    transaction_id: str
    institution: str
    service: str
    service_name: str
    items: tuple[Item, ...]

    def value(self, *names: str) -> str:
        """The trimmed value of the first of these names, or "". Names know no case."""
        found = {item.name.lower(): item.value.strip() for item in reversed(self.items)}
        return next((found[name] for name in names if found.get(name)), "")

    def reference(self) -> str:
        """The reference number that the payer typed. Raises Invalid."""
        text = self.value("refno").upper()
        if not _REFERENCE.fullmatch(text):
            raise Invalid("refNo is missing or is not of letters and digits.")
        return text


def document(raw: bytes) -> Mapping[str, object]:
    """The JSON object of a call. Ids of 18 digits may be numbers. Raises Invalid."""
    try:
        body = strict_json.parse(raw, limit=_LARGEST, wide=True)
    except MalformedJson as error:
        raise Invalid(f"The body cannot be read: {error}") from None
    if not isinstance(body, dict):
        raise Invalid("The body is not a JSON object.")
    return body


def read(body: Mapping[str, object]) -> Call:
    """The call that the body spells. Raises Invalid."""
    rows = body.get("data")
    if not isinstance(rows, list) or len(rows) > _MOST_ITEMS:
        raise Invalid("data is not a list of values.")
    return Call(
        transaction_id=_one_of(body, _TRANSACTION),
        institution=_one_of(body, _INSTITUTION),
        service=_one_of(body, _SERVICE),
        service_name=text_of(body.get("serviceName") or ""),
        items=tuple(_item(row, number) for number, row in enumerate(rows, 1)),
    )


def _one_of(body: Mapping[str, object], spellings: tuple[str, ...]) -> str:
    told = {text_of(value).strip() for name, value in body.items() if name.lower() in spellings}
    if len(told) != 1 or not (value := told.pop()):
        raise Invalid(f"{spellings[0]} is missing, blank or told twice.")
    return value


def _item(row: object, number: int) -> Item:
    if not isinstance(row, dict) or not isinstance(row.get("paramName"), str):
        raise Invalid("A value of data has no paramName.")
    value = row.get("value")
    name = text_of(row["paramName"]).strip() or f"param_{number}"
    seq = text_of(row.get("seq") or "").strip() or str(number)
    return Item(seq, name, text_of(value), isinstance(value, int | Decimal))


def text_of(value: object, fail: Callable[[str], HubError] = Invalid) -> str:
    """A text or a number as text, never through a float. Raises Invalid."""
    known = isinstance(value, str) or type(value) in {int, Decimal}
    text = str(value)
    if not known or len(text) > _LONGEST or _UNPRINTABLE.search(text):
        raise fail("A value is not a short text or a number.")
    return text
