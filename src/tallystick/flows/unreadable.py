"""What can be said of an authentic notice that its adapter cannot read: a name, and clues."""

import re
from typing import Final
from urllib.parse import unquote_plus

from tallystick.domain import memo
from tallystick.domain.raw_bytes import digest
from tallystick.gateways.base import Notice, RawNotice

MOST_CLUES: Final = 200
_WORD: Final = re.compile(r"[0-9A-Za-z_-]{6,128}")
_TEXT: Final = re.compile(r'[^"=&\r\n]{8,500}')


def unreadable(raw: RawNotice, why: str) -> Notice:
    """The notice as far as it can be told of: the same for the same bytes.

    Its `refs` are all words in it that may be a reference of ours or the gateway's; which of them
    are, only looking them up tells.
    """
    text = raw.body.decode("utf-8", "replace") + "\n" + unquote_plus(raw.query, errors="replace")
    if raw.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        text = unquote_plus(text, errors="replace")
    found = dict.fromkeys(memo.candidates(_TEXT.findall(text)))
    for word in _WORD.findall(text):
        # A payer who typed a reference in small letters meant ours.
        found |= {word: None, word.upper(): None}
        if len(found) >= MOST_CLUES:
            break
    name = digest(raw.body or raw.query.encode())
    return Notice(f"unreadable:{name}", tuple(found)[:MOST_CLUES], unreadable=why)
