"""The history of every payment: what changed, from what to what, and why."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from tallystick.domain.ids import new_id
from tallystick.domain.payment import Phase, Signal
from tallystick.store.schema.core import events

_INSERT = insert(events)
_OF_PAYMENT = (
    select(events.c.type, events.c.phase_before, events.c.phase_after, events.c.reason, events.c.at)
    .where(events.c.payment_id == bindparam("payment_id"))
    .order_by(events.c.seq)
)


@dataclass(frozen=True, slots=True)
class Event:
    """One change that a merchant may want to hear of."""

    type: str
    before: Phase
    after: Phase
    signal: Signal | None
    reason: str
    at: datetime


def append(tx: Connection, payment_id: str, version: int, event: Event) -> None:
    """Write down one change, in the transaction that makes it."""
    tx.execute(
        _INSERT,
        {
            "id": new_id("evt", event.at),
            "payment_id": payment_id,
            "version": version,
            "type": event.type,
            "phase_before": event.before,
            "phase_after": event.after,
            "signal": event.signal,
            "reason": event.reason,
            "at": event.at,
        },
    )


def of_payment(tx: Connection, payment_id: str) -> list[Event]:
    """The history, the oldest first."""
    return [
        Event(row.type, Phase(row.phase_before), Phase(row.phase_after), None, row.reason, row.at)
        for row in tx.execute(_OF_PAYMENT, {"payment_id": payment_id})
    ]
