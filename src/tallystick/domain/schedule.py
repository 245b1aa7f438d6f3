"""When to ask again: the polling rhythm of a payment and the back-off of retries."""

from datetime import datetime, timedelta
from enum import IntEnum
from itertools import accumulate
from typing import Final

# docs/money.md: quick at first, while the payer stands before the till.
_FIRST_GAPS_S: Final = (3, 5, 8, 13, 20, 30)
_FIRST_S: Final = tuple(accumulate(_FIRST_GAPS_S))
_STEADY_S: Final = 60.0
_WATCHED_S: Final = 10.0
# After the offer has closed: (until this age in seconds, gap in seconds).
_AFTERWARDS: Final = ((3600, 300), (86_400 + 3600, 3600))
_LONG_GAP_S: Final = 6 * 3600
_JITTER: Final = 0.1

# To a merchant's own systems: quick for a hiccup, then with the patience of about three days.
_DELIVERY_GAPS: Final = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2),
    timedelta(hours=5), timedelta(hours=10), timedelta(hours=14), timedelta(hours=20),
    timedelta(hours=24),
)  # fmt: skip
MOST_DELIVERY_TRIES: Final = len(_DELIVERY_GAPS) + 1

RETRY_FIRST_S: Final = 1.0
RETRY_LAST_S: Final = 3600.0
RETRY_WINDOW: Final = timedelta(days=3)


class Rank(IntEnum):
    """Who is asked about first where a gateway takes fewer questions than there are.

    docs/money.md says why. An offer at its deadline comes between WATCHED and YOUNG; its deadline
    says so, and no timer has to be moved for it.
    """

    KNOCKED = 0
    WATCHED = 1
    YOUNG = 2
    OLD = 3
    CLOSED = 4


_YOUNG_S: Final = _FIRST_S[-1]


def rank_of(opened_at: datetime, now: datetime, *, knocked: bool, watched: bool) -> Rank:
    """The rank of a payment that can still be paid. Young is whose payer may stand at the till."""
    if knocked:
        return Rank.KNOCKED
    if watched:
        return Rank.WATCHED
    return Rank.YOUNG if (now - opened_at).total_seconds() < _YOUNG_S else Rank.OLD


def while_open(
    opened_at: datetime,
    expires_at: datetime,
    now: datetime,
    jitter: float,
    *,
    watched: bool = False,
) -> datetime:
    """The next question for a payment that can still be paid; never later than its deadline.

    `luck` in [0, 1) spreads the questions of payments opened together.
    """
    age_s = (now - opened_at).total_seconds()
    at_s = next((t for t in _FIRST_S if t > age_s), age_s + _STEADY_S)
    gap_s = min(at_s - age_s, _WATCHED_S) if watched else at_s - age_s
    due = now + timedelta(seconds=gap_s * (1 + _JITTER * jitter))
    return min(due, expires_at) if now < expires_at else due


def afterwards(
    closed_at: datetime, listen_until: datetime, now: datetime, jitter: float
) -> datetime | None:
    """The next question once the offer is over or paid, or None when listening is over."""
    if now >= listen_until:
        return None
    age_s = (now - closed_at).total_seconds()
    gap_s = next((gap for until, gap in _AFTERWARDS if age_s < until), _LONG_GAP_S)
    return min(now + timedelta(seconds=gap_s * (1 + _JITTER * jitter)), listen_until)


def retry_at(tries: int, now: datetime, jitter: float) -> datetime:
    """When to try a failed piece of work again: 1 s, 2 s, 4 s … 1 h, with jitter."""
    gap_s = min(RETRY_FIRST_S * 2 ** min(tries, 20), RETRY_LAST_S)
    return now + timedelta(seconds=gap_s * (1 + _JITTER * jitter))


def redeliver_at(tries: int, now: datetime, jitter: float) -> datetime | None:
    """When to deliver an event again after this many tries, with jitter; None: not any more."""
    if tries >= MOST_DELIVERY_TRIES:
        return None
    return now + _DELIVERY_GAPS[tries - 1] * (1 + _JITTER * jitter)
