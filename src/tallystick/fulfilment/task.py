"""A paid session of a task: the task is completed, and the workflow is called back."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tallystick.domain.ids import new_id
from tallystick.domain.ledger import REVENUE, SUSPENSE
from tallystick.domain.payment import Payment
from tallystick.domain.task import Session, Task, TaskSignal, TaskState
from tallystick.fulfilment.base import Fulfilment
from tallystick.store import attempts, jobs, outbox, tasks
from tallystick.store.outbox import News

CALLBACK = "task_callback"
CLOSE = "close_session"


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
        if task is None or not tasks.move(tx, task, TaskSignal.PAID, now, payment.id):
            return
        told = _told(tx, task, payment, now)
        payload = {"taskId": task.id, "messageId": new_id("evt", now), "data": told}
        jobs.add(tx, CALLBACK, f"{CALLBACK}/{task.id}", payload, now)
        outbox.tell(tx, News("task.completed", task.id, task.id, told, payment.id), now)
        for session in tasks.sessions(tx, task.id):
            if session.payment_id != payment.id:
                name = f"{CLOSE}/{session.payment_id}"
                jobs.add(tx, CLOSE, name, {"paymentId": session.payment_id}, now)

    def lapse(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """The session is over: the task can be started again."""
        task = _task(tx, payment)
        if task is not None and _newest(tx, task).payment_id == payment.id:
            tasks.move(tx, task, TaskSignal.LAPSED, now)


def _task(tx: Connection, payment: Payment) -> Task | None:
    task_id = tasks.of_payment(tx, payment.id)
    return None if task_id is None else tasks.lock(tx, task_id)


def _newest(tx: Connection, task: Task) -> Session:
    return tasks.sessions(tx, task.id)[-1]


def _told(tx: Connection, task: Task, payment: Payment, now: datetime) -> dict[str, Any]:
    """What the workflow is told."""
    paid_at = payment.paid_at or now
    return {
        "taskId": task.id,
        "status": TaskState.COMPLETED,
        "outcome": "PAYMENT_SUCCESS",
        "serviceType": task.service_type,
        "reference": task.reference,
        "referenceNumber": attempts.of_payment(tx, payment.id)[-1].our_ref,
        "amount": task.amount,
        "currency": task.currency,
        "gateway": payment.gateway,
        "paymentId": payment.id,
        "paidAt": paid_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "metadata": dict(task.metadata),
    }
