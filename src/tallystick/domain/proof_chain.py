"""The chain of the proof: each link holds the digests of some rows, and the hash of the last one.

Whoever knows one hash of it knows whether any row before is another one, or gone.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tallystick.domain.errors import Invalid

_WRITTEN: Final = re.compile(r"([0-9]{1,18})-([0-9a-f]{12,64})")
_DIGEST: Final = 32
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
BEGINNING: Final = "0" * 64
"""What stands for the hash before the first link."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link: how many there are, and its hash, of which 12 digits may do."""

    links: int
    hash: str

    def __str__(self) -> str:
        return f"{self.links}-{self.hash}"

    @property
    def number(self) -> int:
        """The first 48 bits of the hash, which a metric can hold."""
        return int(self.hash[:12], 16)

    @classmethod
    def read(cls, text: str) -> "Head":
        """A head as it was written into a log or a file. Raises Invalid."""
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            raise Invalid(
                "A head of the proof is written as in the log: the number of links, a hyphen, and "
                "at least 12 digits of the hash, such as 57-0a1b2c3d4e5f."
            )
        return cls(int(found[1]), found[2])

    def is_of(self, links: int, hash_: str) -> bool:
        """Whether this is the link of that number and hash."""
        return self.links == links and hash_.startswith(self.hash)


def digest(names: Sequence[str], values: Sequence[Any]) -> str:
    """128 bits that stand for a row: for these columns of it, with these values."""
    row = {name: _plain(value) for name, value in zip(names, values, strict=True)}
    return hashlib.sha256(_COMPACT.encode(row).encode()).hexdigest()[:_DIGEST]


def leaves(rows: Mapping[str, str]) -> str:
    """Rows as a link keeps them: a line for each, with its id and its digest."""
    return "\n".join(f"{name} {made}" for name, made in rows.items())


def rows_of(kept: str) -> dict[str, str]:
    """The digests of a link's rows, by their ids."""
    halves = (line.rpartition(" ") for line in kept.split("\n"))
    return {name: made for name, _, made in halves}


def link(number: int, before: str, table: str, kept: str) -> str:
    """The hash of a link, after the hash of the one before it."""
    return hashlib.sha256(f"{number}\n{before}\n{table}\n{kept}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
