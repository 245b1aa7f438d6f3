"""The end of a task's session: paid or not, the task moves, and the workflow is called back."""

from datetime import datetime
from typing import Annotated, NotRequired

from sqlalchemy import Connection

from tallystick.domain.answer_types import Amount, Instant, Notes, Shown
from tallystick.domain.document import instant
from tallystick.domain.ids import new_id
from tallystick.domain.ledger import REVENUE, SUSPENSE
from tallystick.domain.payment import Payment, Phase
from tallystick.domain.snapshot import PaymentError
from tallystick.flows.fulfilment import Fulfilment
from tallystick.products.tasks import rows
from tallystick.products.tasks.rules import Session, SessionEnd, Task, TaskSignal, TaskState
from tallystick.store import attempts, effects, outbox
from tallystick.store.outbox import News

CALLBACK = "task_callback"
CLOSE = "close_session"
COMPLETED = "task.completed"
FAILED = "task.payment_failed"
CANCELED = "task.canceled"


class TaskNews(Amount):
    """A task that is paid, or a session of it that is over without money: then with a reason."""

    taskId: str
    serviceType: str | None
    reference: str | None
    referenceNumber: str | None
    gateway: str | None
    paymentId: str | None
    metadata: Notes
    status: Annotated[str, Shown(enum=[*TaskState, *SessionEnd])]
    outcome: str
    paidAt: NotRequired[Instant]
    reason: NotRequired[PaymentError]


class TaskPayment(Fulfilment):
    """Money for a step of the merchant's workflow, whichever of its sessions it came in."""

    purpose = "task"

    def superseded(self, tx: Connection, payment: Payment) -> bool:
        """Whether another session has completed the task. Holds the task, so that one is first."""
        task = _task(tx, payment)
        return task is not None and task.payment_id not in {None, payment.id}

    def account(self, tx: Connection, payment: Payment) -> str:
        """What came a second time was not earned: it stays with what we owe."""
        return SUSPENSE if self.superseded(tx, payment) else REVENUE

    def deliver(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Complete the task, once; call back; close the sessions that nobody should pay now."""
        task = _task(tx, payment)
        if task is None or not rows.move(tx, task, TaskSignal.PAID, now, payment.id):
            return
        told = _told(tx, task, payment, now)
        _call_back(tx, COMPLETED, task.id, told, now)
        outbox.tell(tx, News(COMPLETED, task.id, task.id, told, payment.id), now)
        for session in rows.sessions(tx, task.id):
            if session.payment_id != payment.id:
                name = f"{CLOSE}/{session.payment_id}"
                effects.add(tx, CLOSE, name, {"paymentId": session.payment_id}, now)

    def lapse(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """The session is over: the workflow is told, and the task can be started again."""
        if payment.phase is Phase.EXPIRED:
            _end(tx, payment, SessionEnd.EXPIRED, PaymentError.EXPIRED, now)
        else:
            _end(tx, payment, SessionEnd.FAILED, PaymentError.CANCELED, now)

    def declined(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """The same, although the gateway may let the payer try again: then the task is paid."""
        _end(tx, payment, SessionEnd.FAILED, PaymentError.DECLINED, now)


def _end(
    tx: Connection, payment: Payment, end: SessionEnd, error: PaymentError, now: datetime
) -> None:
    """Tell of a session without money, once; a task that was paid in another has nothing to tell.

    The reference is listened to for as long as it was.
    """
    task = _task(tx, payment)
    if task is None or task.state is TaskState.COMPLETED:
        return
    told = _about(tx, task, payment, end, f"PAYMENT_{end}")
    told["reason"] = error
    _call_back(tx, FAILED, f"{task.id}/{payment.id}", told, now)
    outbox.tell(tx, News(FAILED, payment.id, task.id, told, payment.id), now)
    if _newest(tx, task).payment_id == payment.id:
        rows.move(tx, task, TaskSignal.LAPSED, now)


def _call_back(tx: Connection, kind: str, about: str, told: TaskNews, now: datetime) -> None:
    payload = {"taskId": told["taskId"], "messageId": new_id("evt", now), "type": kind,
               "at": instant(now), "data": told}  # fmt: skip
    effects.add(tx, CALLBACK, f"{CALLBACK}/{about}", payload, now)


def _task(tx: Connection, payment: Payment) -> Task | None:
    task_id = rows.of_payment(tx, payment.id)
    return None if task_id is None else rows.lock(tx, task_id)


def _newest(tx: Connection, task: Task) -> Session:
    return rows.sessions(tx, task.id)[-1]


def _told(tx: Connection, task: Task, payment: Payment, now: datetime) -> TaskNews:
    """What the workflow is told of its money."""
    told = _about(tx, task, payment, TaskState.COMPLETED, "PAYMENT_SUCCESS")
    told["paidAt"] = instant(payment.paid_at or now)
    return told


def tell_canceled(tx: Connection, task: Task, now: datetime) -> None:
    """The merchant's other systems hear that nobody waits for the task any more."""
    told = _of_task(task, TaskState.CANCELED, "TASK_CANCELED")
    outbox.tell(tx, News(CANCELED, task.id, task.id, {**told}, None), now)


def _about(tx: Connection, task: Task, payment: Payment, status: str, outcome: str) -> TaskNews:
    """What it is told whatever came of a session."""
    told = _of_task(task, status, outcome)
    told["referenceNumber"] = attempts.of_payment(tx, payment.id)[-1].our_ref
    told["gateway"], told["paymentId"] = payment.gateway, payment.id
    return told


def _of_task(task: Task, status: str, outcome: str) -> TaskNews:
    return {
        "taskId": task.id,
        "serviceType": task.service_type,
        "reference": task.reference,
        "referenceNumber": None,
        "amount": task.amount,
        "currency": task.currency,
        "gateway": None,
        "paymentId": None,
        "metadata": dict(task.metadata),
        "status": status,
        "outcome": outcome,
    }
