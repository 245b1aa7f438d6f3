"""References for gateways that take letters and digits: they grow, and say when they were drawn."""

import re
from datetime import UTC, datetime
from typing import Final

from tallystick.domain.ids import CROCKFORD, new_id

_FORM: Final = re.compile(r"TS[0-7][0-9A-HJKMNP-TV-Z]{25}")


def timed_ref(now: datetime) -> str:
    """`TS` and 26 characters: 48 bits of milliseconds, then 80 random bits."""
    return "TS" + new_id("ts", now).partition("_")[2]


def drawn_at(ref: str) -> datetime | None:
    """When `timed_ref` drew it; None where it is not one of ours."""
    if not _FORM.fullmatch(ref):
        return None
    number = 0
    for letter in ref[2:]:
        number = number << 5 | CROCKFORD.index(letter)
    try:
        return datetime.fromtimestamp((number >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
