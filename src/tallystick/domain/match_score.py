"""How likely a transfer is meant for a payment, for a person to decide; never to credit by."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_OTHER: Final = re.compile(r"[^0-9A-Z]")
_FARTHEST: Final = 4
_LATEST: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class MatchScore:
    """A score from 0 to 100, and the reasons for it in words."""

    score: int
    reasons: tuple[str, ...]


def plain(text: str) -> str:
    """Upper-case letters and digits without marks: what banks leave of a memo at the least."""
    upper = text.upper().replace("\u0110", "D")
    return _OTHER.sub("", unicodedata.normalize("NFD", upper))


def distance(code: str, text: str) -> int:
    """The fewest edits that turn the code into some part of the text (both `plain`).

    Sellers' algorithm: edit distance with free ends in the text. O(len(code) x len(text)).
    """
    row = list(range(len(code) + 1))
    best = row[-1]
    for letter in text:
        before, row[0] = row[0], 0
        for i, wanted in enumerate(code, start=1):
            kept = before + (wanted != letter)
            before, row[i] = row[i], min(kept, row[i] + 1, row[i - 1] + 1)
        best = min(best, row[-1])
    return best


@dataclass(frozen=True, slots=True)
class Clue:
    """What a transfer and a payment have that can be compared. Amounts are minor units alike."""

    codes: tuple[str, ...]
    memo: str
    owed: int
    amount: int
    opened: datetime
    at: datetime


def match_score(clue: Clue) -> MatchScore:
    """Weigh memo (60), amount (30) and time (10)."""
    parts = (_by_memo(clue), _by_amount(clue), _by_time(clue))
    return MatchScore(sum(score for score, _ in parts), tuple(words for _, words in parts if words))


def _by_memo(clue: Clue) -> tuple[int, str]:
    text = plain(clue.memo)
    edits = min((distance(plain(code), text) for code in clue.codes if code), default=_FARTHEST)
    score = 60 * max(0, _FARTHEST - edits) // _FARTHEST
    if edits == 0:
        return score, "the memo holds its code"
    return score, f"the memo is {edits} letter(s) away from its code" if score else ""


def _by_amount(clue: Clue) -> tuple[int, str]:
    if clue.amount == clue.owed:
        return 30, "the amount is what is owed"
    near = clue.owed > 0 and abs(clue.amount - clue.owed) * 20 <= clue.owed
    return (15, "the amount is within 5 %") if near else (0, "")


def _by_time(clue: Clue) -> tuple[int, str]:
    age = max(timedelta(0), clue.at - clue.opened)
    if age >= _LATEST:
        return 0, ""
    when = f"opened {age.days} day(s) before" if age.days else "opened the same day"
    return round(10 * (1 - age / _LATEST)), when
