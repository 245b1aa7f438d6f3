"""Timer: when a payment is looked at again, and how urgent that is at its gateway."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from tallystick.domain import schedule
from tallystick.domain.evidence import Evidence, Trust
from tallystick.domain.payment import Attempt, Payment, Phase
from tallystick.domain.schedule import Rank
from tallystick.flows.hub import Hub
from tallystick.flows.unlistened import unlistened

UNFINISHED: Final = frozenset({Phase.DRAFT, Phase.OPEN, Phase.PROCESSING})
_DOUBTED_FOR: Final = timedelta(minutes=2)
_DOUBTED_GAP: Final = timedelta(seconds=5)
_UNASKED_GAP: Final = timedelta(minutes=1)
_LOST_GAP: Final = timedelta(hours=1)


def next_check(
    hub: Hub,
    payment: Payment,
    tries: Sequence[Attempt],
    known: Sequence[Evidence],
    now: datetime,
) -> tuple[datetime | None, Rank]:
    """When to look at this payment again; nothing that is not final is without a timer."""
    asked = [a for a in tries if (gateway := hub.gateway_of(a)) is not None
             and gateway.capabilities.asks_each]  # fmt: skip
    if payment.phase not in UNFINISHED:
        return _afterwards(hub, payment, asked, now), Rank.CLOSED
    knocked = _is_doubted(known, now)
    if not asked:
        over = now >= payment.expires_at
        gap = _LOST_GAP if unlistened(hub, payment, tries) else _UNASKED_GAP
        due = now + gap if over else payment.expires_at
        return min(due, now + _DOUBTED_GAP) if knocked else due, Rank.OLD
    watched = hub.live.watched(payment.id)
    opened_at = asked[-1].created_at
    due = schedule.while_open(opened_at, payment.expires_at, now, hub.jitter(), watched=watched)
    rank = schedule.rank_of(opened_at, now, knocked=knocked, watched=watched)
    return min(due, now + _DOUBTED_GAP) if knocked else due, rank


def _afterwards(
    hub: Hub, payment: Payment, asked: Sequence[Attempt], now: datetime
) -> datetime | None:
    """Late money is listened for. What is paid is asked about no more (docs/money.md).

    But while a refund is promised: what went back without us may not have found room beside it.
    """
    until = max((attempt.listen_until for attempt in asked), default=None)
    if until is None or payment.closed_at is None:
        return None
    if payment.phase is Phase.PAID and not payment.refund_reserved:
        return None
    return schedule.afterwards(payment.closed_at, until, now, hub.jitter())


def _is_doubted(known: Sequence[Evidence], now: datetime) -> bool:
    """A signed notice told of money a moment ago that the gateway's books do not show yet."""
    counted = {credit.name for item in known if item.counts for credit in item.credits}
    return any(
        not item.counts
        and item.trust is Trust.SIGNED
        and now - item.observed_at < _DOUBTED_FOR
        and {credit.name for credit in item.credits} - counted
        for item in known
    )
