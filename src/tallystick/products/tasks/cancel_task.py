"""Cancel a task: nobody waits for it any more, and no session of it completes it by itself."""

from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import Conflict
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.payment import Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub
from tallystick.flows.record import Answers, Heard, record
from tallystick.flows.settle import settle
from tallystick.products.tasks import rows
from tallystick.products.tasks.deliver import tell_canceled
from tallystick.products.tasks.rules import Session, TaskSignal, TaskState
from tallystick.products.tasks.sessions import TaskView, find_task, locked, view_of
from tallystick.store import payments

_ENDS: Final = {
    Phase.DRAFT: Claim.CANCELED,
    Phase.OPEN: Claim.CANCELED,
    # Late money would still complete it: the offer is closed for good.
    Phase.EXPIRED: Claim.GIVEN_BACK,
}
"""What is said of a session that stands so; of the others there is nothing to end."""

_WHY: Final = "The task was canceled, so no money completes it any more."


async def cancel_task(hub: Hub, task_id: str) -> TaskView:
    """Take back a task with all of its offers, after one last question. Safe to repeat.

    Raises NotFound, Conflict where it is completed or money is on its way.
    """
    asked = (await find_task(hub, task_id)).session
    if asked is not None and asked.phase in _ENDS:
        await settle(hub, asked.payment_id)

    def body(tx: Connection) -> tuple[TaskView | None, list[Snapshot]]:
        ended = _end_sessions(tx, hub, task_id)
        # Told after the ends of its sessions, so its time is later.
        now = hub.now()
        task = locked(tx, task_id)
        if rows.move(tx, task, TaskSignal.CANCELED, now):
            tell_canceled(tx, task, now)
        return view_of(tx, rows.find(tx, task_id), now), ended

    view, ended = await hub.database.write(body)
    hub.work_signal.ring()
    for snapshot in ended:
        hub.live.publish(snapshot)
    assert view is not None  # noqa: S101 - `locked` has refused the other case
    return view


def _end_sessions(tx: Connection, hub: Hub, task_id: str) -> list[Snapshot]:
    """Close every offer that could still complete the task. Raises NotFound, Conflict."""
    # Payments before their task, as whoever settles one holds them.
    for session in sorted(rows.sessions(tx, task_id), key=lambda one: one.payment_id):
        payments.lock(tx, session.payment_id)
    task = locked(tx, task_id)
    held = rows.sessions(tx, task_id)
    if task.state is TaskState.CANCELED:
        return []
    if task.state is TaskState.COMPLETED:
        raise Conflict("The task is completed; give the money back by a refund instead.")
    if any(session.phase is Phase.PROCESSING for session in held):
        raise Conflict(
            "Money is on its way to the task; wait until the gateway confirms or withdraws it. "
            "One that never does is ended by a person: close the payment, with a reason."
        )
    return [_end(tx, hub, session) for session in held if session.phase in _ENDS]


def _end(tx: Connection, hub: Hub, session: Session) -> Snapshot:
    said = Evidence(
        Source.OPERATOR, Trust.OPERATOR, _ENDS[session.phase], observed_at=hub.now(), note=_WHY
    )
    return record(tx, hub, session.payment_id, [Heard(said)], Answers()).snapshot
