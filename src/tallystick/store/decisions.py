"""The log of what persons decided: appended once, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from tallystick.domain.decision import Action
from tallystick.domain.ids import new_id
from tallystick.store.schema.core import decisions

_ADD = insert(decisions)
_ABOUT = (
    select(
        decisions.c.action, decisions.c.reason, decisions.c.actor, decisions.c.payment_id,
        decisions.c.at,
    )
    .where(decisions.c.subject == bindparam("subject"))
    .order_by(decisions.c.at, decisions.c.id)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decided:
    """What somebody decided, and why. `actor` is the key or the session that proved who it was."""

    action: str
    reason: str
    actor: str
    payment_id: str | None
    at: datetime


def add(
    tx: Connection, subject: str, action: Action, why: tuple[str, str], payment_id: str,
    now: datetime,
) -> None:  # fmt: skip
    """Write a decision about `subject` down; `why` is the reason and who gave it."""
    tx.execute(
        _ADD,
        {
            "id": new_id("dec", now), "subject": subject, "action": action, "reason": why[0],
            "actor": why[1], "payment_id": payment_id, "at": now,
        },
    )  # fmt: skip


def about(tx: Connection, subject: str) -> Sequence[Decided]:
    """All that was decided about it, the first thing first."""
    return [Decided(**row._mapping) for row in tx.execute(_ABOUT, {"subject": subject})]
