"""Finds our payment codes again in what banks make of a transfer's memo.

Banks put text around a memo, change its case, strip marks and punctuation, and split it. So the
text is made bare first, and then every place where a code could start is a candidate; only
looking it up tells whether it is one.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "TS"
TAIL: Final = 7
# A memo is written by a stranger: without a bound it could name thousands of codes.
MOST: Final = 16

_NOT_PLAIN: Final = re.compile(r"[^0-9A-Z]")
_PREFIX: Final = re.compile(r"[A-Z]{2,5}")


def bare(text: str) -> str:
    """The text in capitals, without marks, and without anything that is not 0-9 or A-Z."""
    plain = unicodedata.normalize("NFD", text.upper().replace("Đ", "D"))
    return _NOT_PLAIN.sub("", plain)


def candidates(
    texts: Iterable[str | None], prefix: str = PREFIX, tail: int = TAIL
) -> tuple[str, ...]:
    """What could be a code (`prefix` and `tail` more characters) in these texts, the best first.

    Overlapping places are all taken, because the text before a code may look like its beginning.
    Give the texts in the order of their worth; at most 16 candidates come back, each once.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("A memo code begins with 2 to 5 capital letters.")
    place = re.compile(f"(?=({prefix}[0-9A-Z]{{{tail}}}))")
    found: dict[str, None] = {}
    for text in texts:
        for match in place.finditer(bare(text or "")):
            found.setdefault(match[1])
            if len(found) == MOST:
                return tuple(found)
    return tuple(found)
