"""Tasks of a workflow that wait for a payment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tallystick.client.calls import Call, act, create, data, get, maybe_data, place
from tallystick.client.endpoints import L, Resource, endpoint
from tallystick.client.payments import Metadata
from tallystick.client.reading import Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Thing):
    """`IDLE`, `IN_PROGRESS`, `COMPLETED` or `CANCELED`."""

    id: str
    status: str
    amount: int | None = None
    currency: str | None = None
    service_type: str | None = None
    reference: str | None = None
    metadata: Metadata | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPayment(Thing):
    """Where the payer goes, and until when."""

    gateway_url: str
    reference_number: str
    expires_at: datetime | None = None


class Tasks(Resource[L]):
    """`hub.tasks`."""

    @endpoint
    def create(
        self,
        *,
        amount: int,
        currency: str,
        callback_url: str,
        service_type: str | None = None,
        reference: str | None = None,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> Call[Task]:
        """Make a task; `callback_url` is told, signed and at least once, when it is paid."""
        body: dict[str, Any] = {
            "amount": amount, "currency": currency, "callbackUrl": callback_url,
            "serviceType": service_type, "reference": reference, "metadata": metadata,
        }  # fmt: skip
        return create("/api/tasks", data(Task.read), body, idempotency_key)

    @endpoint
    def get(self, task_id: str) -> Call[Task]:
        """Read a task; changes nothing."""
        return get(place("/api/tasks/{}", task_id), data(Task.read))

    @endpoint
    def start(self, task_id: str, *, gateway: str) -> Call[TaskPayment]:
        """Begin to pay. Not repeated by itself: a second start may find another session."""
        body = {"action": "INITIATE_PAYMENT", "gateway": gateway}
        path = place("/api/tasks/{}/actions", task_id)
        return act(path, maybe_data(TaskPayment.read), body, repeatable=False)

    @endpoint
    def cancel(self, task_id: str) -> Call[Task]:
        """End a task with all of its sessions; refused once it is completed. Safe to repeat."""
        return act(place("/api/tasks/{}/actions", task_id), data(Task.read), {"action": "CANCEL"})
