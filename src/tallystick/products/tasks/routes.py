"""Tasks over HTTP: steps of a workflow that wait for money, in the replaced portal's words."""

from enum import StrEnum
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator

from tallystick.domain.destination import destination
from tallystick.domain.errors import Invalid, NotFound, Unauthenticated
from tallystick.domain.ids import is_id, new_id
from tallystick.domain.money import LARGEST_MINOR, Money
from tallystick.flows.checkout import Opened
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import Answer
from tallystick.products.tasks import answers as shown
from tallystick.products.tasks.call_back import callback_secret
from tallystick.products.tasks.cancel_task import cancel_task
from tallystick.products.tasks.rules import Task, TaskState
from tallystick.products.tasks.sessions import (
    Started,
    TaskView,
    create_task,
    find_task,
    list_tasks,
    resend_callback,
    resume_session,
    start_session,
)
from tallystick.web import shapes
from tallystick.web.auth import Caller
from tallystick.web.bodies import Body, Parsed, body, web_address
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, creating, listing
from tallystick.web.idempotency import created, once_only
from tallystick.web.lists import page_of
from tallystick.web.payments import Metadata, short_metadata
from tallystick.web.schema_parts import object_, one, ref, several

router = APIRouter(tags=["tasks"])
_UNSEEN = "There is no task with this id that you may see."
_ACTED = object_(data={"anyOf": [ref("TaskSession"), ref("Task")]})


class Action(StrEnum):
    """What can be done with a task."""

    INITIATE_PAYMENT = "INITIATE_PAYMENT"
    RESEND_CALLBACK = "RESEND_CALLBACK"
    CANCEL = "CANCEL"


class CreateTask(Body):
    """A step of a workflow that goes on once it is paid."""

    amount: int = Field(gt=0, le=LARGEST_MINOR, description="Whole minor units.")
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217, upper case.")
    callback_url: str = Field(max_length=2000, description="Public https; called when paid.")
    service_type: str | None = Field(default=None, min_length=1, max_length=100)
    reference: str | None = Field(default=None, min_length=1, max_length=100)
    owner_id: str | None = Field(default=None, min_length=1, max_length=200)
    metadata: Metadata = Field(default_factory=dict, max_length=50)

    _short = field_validator("metadata")(short_metadata)


class Act(Body):
    """What is to be done with a task."""

    action: str = Field(max_length=40, description="INITIATE_PAYMENT, RESEND_CALLBACK or CANCEL.")
    gateway: str | None = Field(
        default=None,
        min_length=1,
        max_length=40,
        description="May be left out where one gateway fits the currency.",
    )
    return_url: str | None = Field(default=None, max_length=2000)

    @field_validator("return_url")
    @classmethod
    def _checked_return(cls, value: str | None) -> str | None:
        return None if value is None else web_address(value)


@router.post(
    "/api/tasks", status_code=201, openapi_extra=creating(CreateTask), summary="Make a task",
    responses=answers(one("Task", callbackSecret={"type": "string"}), 201),
)  # fmt: skip
async def create(
    request: Request,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[CreateTask], Depends(body(CreateTask))],
) -> Response:
    """Answers 201 with the task, IDLE, and the secret that its callback will be signed with."""
    who.needs("operator")
    task = _new_task(hub, parsed.value)
    secret = callback_secret(hub)

    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: create_task(hub, task),
        lambda view: created({"data": shown.task(view), "callbackSecret": secret}),
    )


@router.get(
    "/api/tasks", summary="List tasks, newest first", responses=answers(several("Task")),
    openapi_extra=listing(status=TaskState, reference=""),
)  # fmt: skip
async def index(request: Request, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Filters: status, reference, createdAfter, createdBefore."""
    who.needs("reader")
    page, filters = page_of(request, hub), _filters(request)

    found = await list_tasks(hub, filters, page.span, page.after, page.limit)
    return page.answer(found, shown.task, lambda view: (view.task.created_at, view.task.id))


@router.get("/api/tasks/{task_id}", summary="Read a task", responses=answers(one("OwnTask")))
async def show(task_id: str, hub: HubDep, who: LimitedCaller) -> dict[str, Any]:
    """Changes nothing. For keys in full; for the user whose task it is without your notes."""
    if who.role is None and who.owner is None:
        raise Unauthenticated("This needs a secret key, or your app's JWT as Bearer.")
    view = await _find(hub, task_id)
    return {"data": shown.task(view) if who.role is not None else shown.own_task(_own(who, view))}


@router.post(
    "/api/tasks/{task_id}/actions", openapi_extra=creating(Act), summary="Act on a task",
    responses=answers(one("TaskSession"), 201)
    | answers(_ACTED, 200, "The session that is still live; the task, where it was not started."),
)  # fmt: skip
async def act(
    request: Request,
    task_id: str,
    hub: HubDep,
    who: LimitedCaller,
    parsed: Annotated[Parsed[Act], Depends(body(Act))],
) -> Response:
    """INITIATE_PAYMENT answers 201 with a new session, or 200 with the one that is still live.

    RESEND_CALLBACK calls the workflow back once more. CANCEL ends the task with all of its
    sessions; 409 where it is completed or money is on its way. Both answer 200 with the task.
    """
    who.needs("operator")
    wished = parsed.value
    action = _action(wished.action)
    task = (await _find(hub, task_id)).task
    if action is not Action.INITIATE_PAYMENT:
        cancels = action is Action.CANCEL
        view = await (cancel_task if cancels else resend_callback)(hub, task.id)
        return Response(shapes.encoded({"data": shown.task(view)}), media_type="application/json")
    return await _start(request, hub, who, parsed, task.id)


async def _start(
    request: Request, hub: Hub, who: Caller, parsed: Parsed[Act], task_id: str
) -> Response:
    said = parsed.value
    return await once_only(
        request,
        hub,
        who,
        parsed.raw,
        lambda: start_session(hub, task_id, said.gateway, said.return_url),
        partial(_session, hub),
        resume=lambda payment_id: resume_session(hub, task_id, payment_id),
    )


def _session(hub: Hub, opened: Opened[Started]) -> Answer:
    sold = opened.sold
    told = shown.started_session(sold.task_id, opened.snapshot, opened.token, hub.settings.base_url)
    return created({"data": told}, 201 if sold.fresh else 200)


def _new_task(hub: Hub, wished: CreateTask) -> Task:
    """Raises AddressRefused, CurrencyUnknown."""
    destination(wished.callback_url, allow_loopback=hub.sandbox)
    due, now = Money(wished.amount, wished.currency), hub.now()
    return Task(
        id=new_id("task", now),
        state=TaskState.IDLE,
        amount=due.minor,
        currency=due.currency,
        service_type=wished.service_type,
        callback_url=wished.callback_url,
        reference=wished.reference,
        owner_id=wished.owner_id,
        metadata=wished.metadata,
        payment_id=None,
        created_at=now,
        updated_at=now,
        completed_at=None,
    )


async def _find(hub: Hub, task_id: str) -> TaskView:
    if not is_id("task", task_id):
        raise NotFound(_UNSEEN)
    return await find_task(hub, task_id)


def _own(who: Caller, view: TaskView) -> TaskView:
    if view.task.owner_id is None or view.task.owner_id != who.owner:
        raise NotFound(_UNSEEN)
    return view


def _action(word: str) -> Action:
    if word not in set(Action):
        words = f"one of {', '.join(Action)}"
        raise Invalid(f"action is {words}.", (("action", words),))
    return Action(word)


def _filters(request: Request) -> dict[str, str]:
    """By column."""
    asked = request.query_params
    columns = {"status": "state", "reference": "reference"}
    return {column: asked[name] for name, column in columns.items() if name in asked}
