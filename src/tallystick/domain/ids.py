"""Names that cannot be guessed: sortable ids, short codes, memo codes and capabilities."""

import re
import secrets
from datetime import UTC, datetime
from typing import Final

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIXES: Final = (
    "pay", "att", "rcp", "plink", "evt", "evd", "trf", "key", "job", "run", "ntc", "ful", "dec",
    "gc", "top", "ord", "task", "rf", "whe", "wal", "ref", "com", "lic", "hold", "mov", "cpn",
    "rec", "diff", "crd",
)  # fmt: skip
_ID = re.compile(r"[a-z]{2,6}_[0-9A-HJKMNP-TV-Z]{26}")


def _base32(number: int, length: int) -> str:
    return "".join(CROCKFORD[number >> 5 * i & 31] for i in reversed(range(length)))


def new_id(prefix: str, now: datetime) -> str:
    """`pay_` + 26 characters: 48 bits of milliseconds, then 80 random bits, so ids sort by age."""
    milliseconds = int(now.timestamp() * 1000)
    return f"{prefix}_{_base32(milliseconds << 80 | secrets.randbits(80), 26)}"


def floor_id(prefix: str, at: datetime) -> str:
    """Sorts before every id of this prefix that was made at this time or later."""
    return f"{prefix}_{_base32(int(at.timestamp() * 1000) << 80, 26)}"


def made_at(an_id: str) -> datetime:
    """When an id was made, to the millisecond."""
    number = 0
    for digit in an_id.rpartition("_")[2]:
        number = number << 5 | CROCKFORD.index(digit)
    return datetime.fromtimestamp((number >> 80) / 1000, UTC)


def is_id(prefix: str, text: str) -> bool:
    """Whether the text has the form of an id with this prefix."""
    return text.startswith(prefix + "_") and _ID.fullmatch(text) is not None


def short_code() -> str:
    """Ten characters (50 bits) for a link that a person may read aloud; never a permission."""
    return _base32(secrets.randbits(50), 10)


def memo_code() -> str:
    """`TS` + 7 characters: fits every bank's memo and survives upper-casing and stripping."""
    return "TS" + _base32(secrets.randbits(35), 7)


def capability(prefix: str) -> str:
    """A secret that grants something by itself: 192 random bits behind a readable prefix."""
    return prefix + secrets.token_urlsafe(24)
