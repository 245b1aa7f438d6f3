"""Clocks in doubt: which process holds expiry, and why; for `tallystick doctor`."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from tallystick.store.schema.core import clock_doubts

_LATELY = select(clock_doubts.c.holder, clock_doubts.c.why, clock_doubts.c.at).where(
    clock_doubts.c.at > bindparam("after")
)
_END = delete(clock_doubts).where(clock_doubts.c.holder == bindparam("of_holder"))
_BEGIN = insert(clock_doubts)


@dataclass(frozen=True, slots=True)
class ClockDoubt:
    """A process that closes nothing by its clock; it says so again each minute."""

    holder: str
    why: str
    at: datetime


def note(tx: Connection, holder: str, why: str | None, now: datetime) -> None:
    """A process doubts its clock now, or (None) believes it again."""
    tx.execute(_END, {"of_holder": holder})
    if why is not None:
        tx.execute(_BEGIN, {"holder": holder, "why": why, "at": now})


def said_since(tx: Connection, after: datetime) -> list[ClockDoubt]:
    """Those that were said lately: a process that is gone says nothing any more."""
    return [ClockDoubt(**row._mapping) for row in tx.execute(_LATELY, {"after": after})]
