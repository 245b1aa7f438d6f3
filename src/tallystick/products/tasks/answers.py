"""The JSON of tasks and of the sessions in which they are paid."""

from collections.abc import Mapping
from typing import Any, Final

from tallystick.domain.payment import Phase
from tallystick.domain.snapshot import PaymentError, Snapshot
from tallystick.products.tasks.rules import TaskState
from tallystick.products.tasks.sessions import TaskView
from tallystick.store.effects import Standing
from tallystick.web.schema_parts import (
    COUNT,
    INSTANT,
    MONEY,
    NOTES,
    TEXT,
    Schema,
    object_,
    one_of,
    or_null,
    ref,
)
from tallystick.web.shapes import checkout, instant

_CALLBACKS: Final[Mapping[str, str]] = {"ready": "pending", "done": "delivered", "dead": "failed"}
_OWN_TASK: Final = {
    **MONEY,
    "id": TEXT,
    "status": one_of(TaskState),
    "serviceType": or_null(TEXT),
    "ownerId": or_null(TEXT),
    "paymentId": or_null(TEXT),
    "session": or_null(
        object_(paymentId=TEXT, gateway=or_null(TEXT), referenceNumber=or_null(TEXT),
                phase=one_of(Phase), expiresAt=INSTANT, number=COUNT,
                paymentError=or_null(one_of(PaymentError)))
    ),
    "createdAt": INSTANT,
    "updatedAt": INSTANT,
    "completedAt": or_null(INSTANT),
}  # fmt: skip

SCHEMAS: Final[dict[str, Schema]] = {
    "OwnTask": object_(_OWN_TASK),
    "Task": object_(
        _OWN_TASK, callbackUrl=TEXT, reference=or_null(TEXT), metadata=NOTES,
        callback=or_null(
            object_(status=one_of(("pending", "delivered", "failed")), tries=COUNT,
                    error=or_null(TEXT), nextTryAt=or_null(INSTANT),
                    deliveredAt=or_null(INSTANT))
        ),
    ),
    "TaskSession": object_(
        taskId=TEXT, status=one_of(TaskState), gateway=TEXT, gatewayUrl=or_null(TEXT),
        pageUrl=or_null(TEXT), referenceNumber=or_null(TEXT), expiresAt=INSTANT,
        paymentId=TEXT, checkout=ref("Checkout"), clientToken=TEXT,
    ),
    "TaskNews": object_(
        MONEY, taskId=TEXT, status=one_of(TaskState), outcome=TEXT, serviceType=or_null(TEXT),
        reference=or_null(TEXT), referenceNumber=or_null(TEXT), gateway=or_null(TEXT),
        paymentId=or_null(TEXT), paidAt=or_null(INSTANT), metadata=NOTES,
    ),
}  # fmt: skip


def task(view: TaskView) -> dict[str, Any]:
    """A task as its merchant sees it."""
    one = view.task
    return {
        "id": one.id,
        "status": view.state,
        "amount": one.amount,
        "currency": one.currency,
        "serviceType": one.service_type,
        "callbackUrl": one.callback_url,
        "reference": one.reference,
        "ownerId": one.owner_id,
        "metadata": dict(one.metadata),
        "paymentId": one.payment_id,
        "session": _session(view),
        "callback": None if view.callback is None else _callback(view.callback),
        "createdAt": instant(one.created_at),
        "updatedAt": instant(one.updated_at),
        "completedAt": instant(one.completed_at),
    }


def own_task(view: TaskView) -> dict[str, Any]:
    """A task as the user sees it whose task it is: none of the merchant's notes."""
    hidden = {"callbackUrl", "callback", "metadata", "reference"}
    return {name: value for name, value in task(view).items() if name not in hidden}


def started_session(task_id: str, snapshot: Snapshot, token: str, base_url: str) -> dict[str, Any]:
    """What the workflow needs to send its user to pay."""
    attempt, link = snapshot.attempt, snapshot.link
    given = {} if attempt is None else attempt.checkout
    page = None if link is None else f"{base_url.rstrip('/')}/pay/{link.short_code}"
    return {
        "taskId": task_id,
        "status": "IN_PROGRESS",
        "gateway": snapshot.gateway,
        "gatewayUrl": given.get("checkout_url") or page,
        "pageUrl": page,
        "referenceNumber": None if attempt is None else attempt.our_ref,
        "expiresAt": instant(snapshot.expires_at),
        "paymentId": snapshot.id,
        "checkout": checkout(given),
        "clientToken": token,
    }


def _session(view: TaskView) -> dict[str, Any] | None:
    """The latest session, or the one that completed the task."""
    shown, session = view.payment, view.session
    if shown is None or session is None:
        return None
    return {
        "paymentId": shown.id,
        "gateway": shown.gateway,
        "referenceNumber": None if shown.attempt is None else shown.attempt.our_ref,
        "phase": shown.phase,
        "paymentError": shown.payment_error,
        "expiresAt": instant(shown.expires_at),
        "number": session.number,
    }


def _callback(standing: Standing) -> dict[str, Any]:
    return {
        "status": _CALLBACKS[standing.state],
        "tries": standing.tries,
        "error": standing.error,
        "nextTryAt": instant(standing.due_at),
        "deliveredAt": instant(standing.done_at),
    }
