"""The JSON of tasks and of the sessions in which they are paid."""

from collections.abc import Mapping
from typing import Annotated, Final, cast

from typing_extensions import TypedDict

from tallystick.domain.answer_types import Amount, Count, Instant, Notes, Shown
from tallystick.domain.document import CheckoutAnswer
from tallystick.domain.payment import Phase
from tallystick.domain.snapshot import PaymentError, Snapshot
from tallystick.products.tasks.deliver import TaskNews
from tallystick.products.tasks.rules import TaskState
from tallystick.products.tasks.sessions import Standing, TaskView
from tallystick.web.answer_schemas import Schemas
from tallystick.web.shapes import checkout, instant

_CALLBACKS: Final[Mapping[str, str]] = {"ready": "pending", "done": "delivered", "dead": "failed"}


class TaskSession(TypedDict):
    """The latest session of a task, or the one that completed it."""

    paymentId: str
    gateway: str | None
    referenceNumber: str | None
    phase: Phase
    expiresAt: Instant
    number: Count
    paymentError: PaymentError | None


class OwnTaskAnswer(Amount):
    """A task as the user sees it whose task it is: none of the merchant's notes."""

    id: str
    status: TaskState
    serviceType: str | None
    ownerId: str | None
    paymentId: str | None
    session: TaskSession | None
    createdAt: Instant
    updatedAt: Instant
    completedAt: Instant | None


class TaskCallback(TypedDict):
    """How the workflow was called back."""

    status: Annotated[str, Shown(enum=["pending", "delivered", "failed"])]
    tries: Count
    error: str | None
    nextTryAt: Instant | None
    deliveredAt: Instant | None


class TaskAnswer(OwnTaskAnswer):
    """A task as its merchant sees it."""

    callbackUrl: str
    reference: str | None
    metadata: Notes
    callback: TaskCallback | None


class TaskSessionAnswer(TypedDict):
    """What the workflow needs to send its user to pay."""

    taskId: str
    status: TaskState
    gateway: str
    gatewayUrl: str | None
    pageUrl: str | None
    referenceNumber: str | None
    expiresAt: Instant
    paymentId: str
    checkout: CheckoutAnswer
    clientToken: str


SCHEMAS: Final = Schemas(OwnTaskAnswer, TaskAnswer, TaskSessionAnswer, TaskNews)


def task(view: TaskView) -> TaskAnswer:
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


def own_task(view: TaskView) -> OwnTaskAnswer:
    """A task with what its user may see of it, and nothing else."""
    shown = OwnTaskAnswer.__annotations__
    told = {name: value for name, value in task(view).items() if name in shown}
    return cast("OwnTaskAnswer", told)


def started_session(
    task_id: str, snapshot: Snapshot, token: str, base_url: str
) -> TaskSessionAnswer:
    """What the workflow needs to send its user to pay."""
    attempt, link = snapshot.attempt, snapshot.link
    given = {} if attempt is None else attempt.checkout
    assert snapshot.gateway is not None  # noqa: S101 - a session is begun at one
    page = None if link is None else f"{base_url.rstrip('/')}/pay/{link.short_code}"
    return {
        "taskId": task_id,
        "status": TaskState.IN_PROGRESS,
        "gateway": snapshot.gateway,
        "gatewayUrl": given.get("checkout_url") or page,
        "pageUrl": page,
        "referenceNumber": None if attempt is None else attempt.our_ref,
        "expiresAt": instant(snapshot.expires_at),
        "paymentId": snapshot.id,
        "checkout": checkout(given),
        "clientToken": token,
    }


def _session(view: TaskView) -> TaskSession | None:
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


def _callback(standing: Standing) -> TaskCallback:
    return {
        "status": _CALLBACKS[standing.state],
        "tries": standing.tries,
        "error": standing.error,
        "nextTryAt": instant(standing.due_at),
        "deliveredAt": instant(standing.done_at),
    }
