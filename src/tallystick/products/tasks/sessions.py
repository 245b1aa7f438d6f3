"""Tasks: made, started again and again until money comes, and told of when it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, GatewayNotOffered, Invalid, NotFound
from tallystick.domain.ids import capability, new_id, short_code
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.domain.sealing import fingerprint
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.checkout import Opened, Wish, resume_payment, sell
from tallystick.flows.hub import Hub, found
from tallystick.flows.idempotency import whole
from tallystick.products.tasks import rows
from tallystick.products.tasks.deliver import CALLBACK
from tallystick.products.tasks.rules import Session, Task, TaskSignal, TaskState, standing
from tallystick.store import credentials, effects, links, snapshots
from tallystick.store.effects import Standing
from tallystick.store.places import Place

__all__ = ["Standing"]

_ANY: Final = 1000
"""As many currencies as no gateway names that does not take all of them."""


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as it stands now, with its latest session and the fate of its callback."""

    task: Task
    state: TaskState
    session: Session | None
    payment: Snapshot | None
    callback: Standing | None


@dataclass(frozen=True, slots=True)
class Started:
    """The task that a session is for, and whether it began with this request."""

    task_id: str
    fresh: bool


class SessionLive(Conflict):
    """Somebody can pay this task right now; `payment_id` is where."""

    def __init__(self, payment_id: str) -> None:
        super().__init__("The task has a session that can still be paid.")
        self.payment_id = payment_id


async def create_task(hub: Hub, task: Task) -> TaskView:
    """Write a new task down; nothing is asked of a gateway until it is started."""

    def body(tx: Connection) -> TaskView:
        rows.add(tx, task)
        return TaskView(task, task.state, None, None, None)

    return await whole(hub, body)


async def find_task(hub: Hub, task_id: str) -> TaskView:
    """The task as it stands; nothing changes by looking. Raises NotFound."""
    now = hub.now()
    view = await hub.database.read(lambda tx: view_of(tx, rows.find(tx, task_id), now))
    if view is None:
        raise NotFound("There is no task with this id that you may see.")
    return view


async def list_tasks(
    hub: Hub, filters: Mapping[str, str], span: tuple[datetime | None, datetime | None],
    after: Place | None, limit: int,
) -> list[TaskView]:  # fmt: skip
    """Tasks as they stand, newest first, one more than `limit` where there are more."""
    now = hub.now()

    def read(tx: Connection) -> list[TaskView]:
        found = rows.page(
            tx, filters=filters, created_after=span[0], created_before=span[1], after=after,
            limit=limit,
        )  # fmt: skip
        return [view for one in found if (view := view_of(tx, one, now)) is not None]

    return await hub.database.read(read)


def view_of(tx: Connection, task: Task | None, now: datetime) -> TaskView | None:
    """Everything that is told of a task, read in one transaction."""
    if task is None:
        return None
    held = rows.sessions(tx, task.id)
    session = held[-1] if held else None
    # The payment that is told of is the one that completed it, else the latest try.
    told = task.payment_id or (None if session is None else session.payment_id)
    payment = None if told is None else snapshots.find(tx, told)
    callback = effects.standing(tx, f"{CALLBACK}/{task.id}")
    return TaskView(task, standing(task, session, now), session, payment, callback)


async def start_session(
    hub: Hub, task_id: str, wished: str | None, return_url: str | None
) -> Opened[Started]:
    """Begin, or find again, the session in which a task is paid.

    `wished` is the gateway, where one was named. Raises Invalid where several fit, NotFound,
    Conflict where the task is completed or is being paid elsewhere, and what opening any payment
    raises.
    """
    view = await find_task(hub, task_id)
    task, now = view.task, hub.now()
    gateway = wished or _paid_through(view, now) or _fitting(hub, task.due)
    wish = Wish(
        amount=task.due,
        gateways=(gateway,),
        purpose="task",
        description=task.service_type or "",
        owner_id=task.owner_id,
        return_url=return_url,
        cancel_url=return_url,
        expires_in=timedelta(seconds=hub.settings.task_session_s),
    )

    def beside(tx: Connection, payment: Payment) -> Started:
        _begin(tx, task_id, payment, now)
        links.add(
            tx, link_id=new_id("plink", now), short_code=short_code(), payment_id=payment.id,
            gateways=(gateway,), now=now,
        )  # fmt: skip
        return Started(task_id, fresh=True)

    try:
        return await sell(hub, wish, beside)
    except SessionLive as live:
        return await _again(hub, task_id, live.payment_id, gateway)


async def resume_session(hub: Hub, task_id: str, payment_id: str) -> Opened[Started]:
    """Answer a request whose worker died: the session is there, its client token is new."""
    return await resume_payment(hub, payment_id, Started(task_id, fresh=True))


def _paid_through(view: TaskView, now: datetime) -> str | None:
    """The gateway of the session that somebody can pay in now."""
    live = view.state is TaskState.IN_PROGRESS and view.session and view.session.is_live(now)
    return view.payment.gateway if live and view.payment is not None else None


def _fitting(hub: Hub, due: Money) -> str:
    """The one gateway for this amount: those that take its currency alone come before others.

    Raises Invalid where there are several, GatewayNotOffered where there is none.
    """
    takers = {name: one.capabilities for name, one in hub.gateways.items()
              if one.capabilities.takes(due)}  # fmt: skip
    if not takers:
        raise GatewayNotOffered(f"No gateway that is set up here takes {due}.")
    fewest = min(len(one.currencies) or _ANY for one in takers.values())
    fitting = [name for name, one in takers.items() if (len(one.currencies) or _ANY) == fewest]
    if len(fitting) > 1:
        words = f"is one of {', '.join(fitting)}: several take {due.currency}"
        raise Invalid(f"gateway {words}.", (("gateway", words),))
    return fitting[0]


def _begin(tx: Connection, task_id: str, payment: Payment, now: datetime) -> None:
    """Move the task, which is held from here on. Raises NotFound, Conflict, SessionLive."""
    task = locked(tx, task_id)
    if task.state in {TaskState.COMPLETED, TaskState.CANCELED}:
        raise Conflict(f"The task is {task.state.lower()}; it is not paid any more.")
    held = rows.sessions(tx, task_id)
    if task.state is TaskState.IN_PROGRESS:
        if held[-1].is_live(now):
            raise SessionLive(held[-1].payment_id)
        rows.move(tx, task, TaskSignal.LAPSED, now)
        task = locked(tx, task_id)
    rows.move(tx, task, TaskSignal.STARTED, now)
    rows.open_session(tx, task_id, payment.id, payment.expires_at, now)


def locked(tx: Connection, task_id: str) -> Task:
    """The task, held until this transaction ends. Raises NotFound."""
    task = rows.lock(tx, task_id)
    if task is None:
        raise NotFound("There is no task with this id that you may see.")
    return task


async def _again(hub: Hub, task_id: str, payment_id: str, gateway: str) -> Opened[Started]:
    """The session that is live, for whoever starts it once more."""
    token, now = capability("tct_"), hub.now()

    def body(tx: Connection) -> Snapshot:
        snapshot = found(snapshots.find(tx, payment_id))
        if snapshot.gateway != gateway:
            raise Conflict(
                f"The task is being paid through {snapshot.gateway}; wait until that session is "
                "over, or cancel its payment."
            )
        credentials.add_token(tx, fingerprint(token), payment_id, now)
        return snapshot

    snapshot = await hub.database.write(body)
    return Opened(snapshot, token, Started(task_id, fresh=False))


async def resend_callback(hub: Hub, task_id: str) -> TaskView:
    """Call the workflow back once more. Raises NotFound, Conflict where nothing is to be told."""
    now = hub.now()

    def body(tx: Connection) -> TaskView | None:
        task = locked(tx, task_id)
        if not effects.again(tx, f"{CALLBACK}/{task_id}", now):
            raise Conflict("The task is not completed yet, or its callback is under way.")
        return view_of(tx, task, now)

    view = await hub.database.write(body)
    hub.work_signal.ring()
    assert view is not None  # noqa: S101 - `locked` has refused the other case
    return view
