"""Reads parsed outside data field by field into types, failing as its reader wants."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from tallystick.domain.errors import HubError

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f<>\"]{1,2000}")
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object. `fail` makes the error to raise; it is given what is wrong, in words."""

    data: Mapping[str, object]
    fail: Callable[[str], HubError]

    def whole(self, name: str) -> int:
        """A whole number; true, 1.0 and "1" are none."""
        value = self.data.get(name)
        if type(value) is not int:
            raise self.fail(f"{name} is not a whole number")
        return value

    def text(self, name: str) -> str:
        """A text, which may be empty."""
        value = self.data.get(name)
        if not isinstance(value, str):
            raise self.fail(f"{name} is not a text")
        return value

    def name(self, name: str) -> str:
        """A text that names something: short, printable and neither empty nor "null"."""
        value = self.text(name)
        if (
            value in {"", "null", "undefined"}
            or len(value) > _LONGEST_NAME
            or _UNPRINTABLE.search(value)
        ):
            raise self.fail(f"{name} is not a usable name")
        return value

    def url(self, name: str) -> str:
        """A web address; "javascript:" and the like are none."""
        value = self.text(name)
        if not _URL.fullmatch(value):
            raise self.fail(f"{name} is not a web address")
        return value

    def moment(self, name: str, zone: tzinfo = UTC) -> datetime:
        """An ISO 8601 time in UTC; one that says no zone is in `zone`."""
        try:
            at = datetime.fromisoformat(self.text(name))
            return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.fail(f"{name} is not a time") from None

    def part(self, name: str) -> "Fields":
        """An object within."""
        value = self.data.get(name)
        if not isinstance(value, dict):
            raise self.fail(f"{name} is not an object")
        return Fields(value, self.fail)

    def parts(self, name: str) -> list["Fields"]:
        """A list of objects within."""
        rows = self.data.get(name)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.fail(f"{name} is not a list of objects")
        return [Fields(row, self.fail) for row in rows]


def spelled(rows: Iterable[Fields]) -> bytes:
    """These objects alone, as JSON: what is kept of an answer that tells of others too."""
    return json.dumps([row.data for row in rows], ensure_ascii=False, default=str).encode()
