"""Tasks and their sessions: found, listed, and moved by compare-and-set in one place."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update

from tallystick.domain.payment import Phase
from tallystick.products.tasks.rules import TASK_MOVES, Session, Task, TaskSignal, TaskState
from tallystick.products.tasks.tables import task_sessions, tasks
from tallystick.store.columns import AnyRow
from tallystick.store.places import window
from tallystick.store.schema.core import payments

_INSERT = insert(tasks)
_FIND = select(*tasks.c).where(tasks.c.id == bindparam("id"))
_LOCK = _FIND.with_for_update()
_MOVE = (
    update(tasks)
    .where(tasks.c.id == bindparam("of_id"), tasks.c.state == bindparam("of_state"))
    .values(
        state=bindparam("state"),
        payment_id=bindparam("payment_id"),
        updated_at=bindparam("now"),
        completed_at=bindparam("completed_at"),
    )
)
_OPEN_SESSION = insert(task_sessions)
_SESSIONS = (
    select(*task_sessions.c, payments.c.phase)
    .join(payments, payments.c.id == task_sessions.c.payment_id)
    .where(task_sessions.c.task_id == bindparam("task_id"))
    .order_by(task_sessions.c.number)
)
_TASK_OF = select(task_sessions.c.task_id).where(
    task_sessions.c.payment_id == bindparam("payment_id")
)
_LATEST = select(func.max(task_sessions.c.number)).where(
    task_sessions.c.task_id == bindparam("task_id")
)


def add(tx: Connection, task: Task) -> None:
    """Insert a new task."""
    tx.execute(_INSERT, asdict(task))


def find(tx: Connection, task_id: str) -> Task | None:
    """The task, or None."""
    return _one(tx.execute(_FIND, {"id": task_id}).first())


def lock(tx: Connection, task_id: str) -> Task | None:
    """The task, held against every other writer until this transaction ends."""
    return _one(tx.execute(_LOCK, {"id": task_id}).first())


def of_payment(tx: Connection, payment_id: str) -> str | None:
    """The id of the task that this payment is a session of, or None."""
    return tx.execute(_TASK_OF, {"payment_id": payment_id}).scalar()


def move(
    tx: Connection, task: Task, signal: TaskSignal, now: datetime, payment_id: str | None = None
) -> bool:
    """Move a task as the table says; False where it says nothing, or somebody was quicker.

    The only statement that sets a task's state. `payment_id` is the session that was paid.
    """
    state = TASK_MOVES.get((task.state, signal))
    if state is None:
        return False
    done = state is TaskState.COMPLETED
    values = {
        "of_id": task.id, "of_state": task.state, "state": state, "now": now,
        "payment_id": payment_id if done else None, "completed_at": now if done else None,
    }  # fmt: skip
    return tx.execute(_MOVE, values).rowcount == 1


def open_session(
    tx: Connection, task_id: str, payment_id: str, until: datetime, now: datetime
) -> None:
    """Note a new session; the task is locked by the caller."""
    latest = tx.execute(_LATEST, {"task_id": task_id}).scalar() or 0
    values = {
        "payment_id": payment_id, "task_id": task_id, "number": latest + 1, "started_at": now,
        "expires_at": until,
    }  # fmt: skip
    tx.execute(_OPEN_SESSION, values)


def sessions(tx: Connection, task_id: str) -> list[Session]:
    """All sessions of a task, the oldest first."""
    rows = tx.execute(_SESSIONS, {"task_id": task_id})
    return [Session(**{**row._mapping, "phase": Phase(row.phase)}) for row in rows]


def page(
    tx: Connection,
    *,
    filters: Mapping[str, str],
    created_after: datetime | None,
    created_before: datetime | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Task]:
    """Tasks, newest first, one more than `limit` where there are more."""
    query = select(*tasks.c).order_by(tasks.c.created_at.desc(), tasks.c.id.desc())
    for name, value in filters.items():
        query = query.where(tasks.c[name] == value)
    span = (created_after, created_before)
    query = window(query, tasks.c.created_at, tasks.c.id, span, after)
    return [_task(row) for row in tx.execute(query.limit(limit + 1))]


def _one(row: AnyRow | None) -> Task | None:
    return None if row is None else _task(row)


def _task(row: AnyRow) -> Task:
    return Task(**{**row._mapping, "state": TaskState(row.state)})
