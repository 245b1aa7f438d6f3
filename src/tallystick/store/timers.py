"""Timers that a clock which was set back left in the far future: they run out now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, Update, and_, bindparam, true, update
from sqlalchemy.sql.schema import Column

from tallystick.domain.payment import Phase
from tallystick.store.schema.core import inbox, jobs, payments
from tallystick.store.schema.credits import credits, readings
from tallystick.store.schema.merchant_events import deliveries
from tallystick.store.schema.refunds import refunds

HELD_LESS_THAN: Final = timedelta(minutes=3)
"""No lease is longer."""
_RETRIED_WITHIN: Final = timedelta(minutes=75)
_REDELIVERED_WITHIN: Final = timedelta(hours=27)
_LISTENED_TO_WITHIN: Final = timedelta(hours=7)


@dataclass(frozen=True, slots=True)
class _Timer:
    """A column that says when a row is due, and the furthest off that it is ever set."""

    table: Table
    due: "Column[datetime]"
    within: timedelta
    where: ColumnElement[bool]

    @property
    def pull(self) -> Update:
        """Make due what is further off than that."""
        return (
            update(self.table)
            .where(self.due > bindparam("later"), self.where)
            .values({self.due.name: bindparam("now")})
        )


_P: Final = payments.c
_TIMERS: Final = tuple((timer, timer.pull) for timer in (
    _Timer(inbox, inbox.c.due_at, _RETRIED_WITHIN, true()),
    _Timer(jobs, jobs.c.due_at, _RETRIED_WITHIN, true()),
    _Timer(credits, credits.c.due_at, HELD_LESS_THAN, true()),
    _Timer(readings, readings.c.due_at, _RETRIED_WITHIN, true()),
    _Timer(deliveries, deliveries.c.due_at, HELD_LESS_THAN, deliveries.c.held == 1),
    _Timer(deliveries, deliveries.c.due_at, _REDELIVERED_WITHIN, true()),
    _Timer(refunds, refunds.c.next_check_at, _RETRIED_WITHIN, true()),
    _Timer(payments, _P.next_check_at, HELD_LESS_THAN,
           and_(_P.phase.in_((Phase.DRAFT, Phase.OPEN, Phase.PROCESSING)),
                _P.next_check_at > _P.expires_at)),
    _Timer(payments, _P.next_check_at, _LISTENED_TO_WITHIN,
           _P.phase.in_((Phase.EXPIRED, Phase.CANCELED))),
))  # fmt: skip


def pull_back(tx: Connection, now: datetime, *, jumped: bool = False) -> int:
    """Let run out what is due later than it can have been set; how many there were.

    Safe at any time, also while others work. Once the clock has `jumped`, all that may be a lease
    runs out: what waits for its next try is then tried earlier, and nothing is done twice.
    """
    count = 0
    for timer, pull in _TIMERS:
        tight = jumped and timer.table is not payments
        within = HELD_LESS_THAN if tight else timer.within
        count += tx.execute(pull, {"now": now, "later": now + within}).rowcount
    return count
