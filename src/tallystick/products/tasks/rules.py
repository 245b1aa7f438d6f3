"""Tasks of a workflow that wait for money: their states and every move between them, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from tallystick.domain.money import Money
from tallystick.domain.payment import Phase


class TaskState(StrEnum):
    """Where a task stands, in the words of the replaced task portal."""

    IDLE = "IDLE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


class TaskSignal(StrEnum):
    """What happens to a task."""

    STARTED = "started"
    LAPSED = "lapsed"
    PAID = "paid"
    CANCELED = "canceled"


class SessionEnd(StrEnum):
    """How a session ended without money, as the workflow is told."""

    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


# The whole state machine. A pair that is not here changes nothing.
TASK_MOVES: Final[dict[tuple[TaskState, TaskSignal], TaskState]] = {
    (TaskState.IDLE, TaskSignal.STARTED): TaskState.IN_PROGRESS,
    # Money on the reference of a session that is over: we never refuse it.
    (TaskState.IDLE, TaskSignal.PAID): TaskState.COMPLETED,
    (TaskState.IN_PROGRESS, TaskSignal.LAPSED): TaskState.IDLE,
    (TaskState.IN_PROGRESS, TaskSignal.PAID): TaskState.COMPLETED,
    (TaskState.IDLE, TaskSignal.CANCELED): TaskState.CANCELED,
    (TaskState.IN_PROGRESS, TaskSignal.CANCELED): TaskState.CANCELED,
    # Money that comes all the same goes to a person; only that person's word completes it.
    (TaskState.CANCELED, TaskSignal.PAID): TaskState.COMPLETED,
    # COMPLETED has no way out: money that comes a second time goes to a person (review).
}


@dataclass(frozen=True, slots=True)
class Task:
    """A step of the merchant's workflow. `payment_id` is the session that completed it."""

    id: str
    state: TaskState
    amount: int
    currency: str
    service_type: str | None
    callback_url: str
    reference: str | None
    owner_id: str | None
    metadata: Mapping[str, Any]
    payment_id: str | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None

    @property
    def due(self) -> Money:
        """What has to be paid."""
        return Money(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Session:
    """One try to have a task paid: a payment with a reference of its own, for a limited time."""

    payment_id: str
    task_id: str
    number: int
    started_at: datetime
    expires_at: datetime
    phase: Phase

    def is_live(self, now: datetime) -> bool:
        """Whether the payer can still pay in it. Money on its way keeps it alive."""
        in_time = self.phase is Phase.OPEN and now < self.expires_at
        return in_time or self.phase is Phase.PROCESSING


def standing(task: Task, session: Session | None, now: datetime) -> TaskState:
    """How a task stands for whoever asks now: a session past its time is over, timer or not."""
    over = session is None or not session.is_live(now)
    return TaskState.IDLE if task.state is TaskState.IN_PROGRESS and over else task.state
