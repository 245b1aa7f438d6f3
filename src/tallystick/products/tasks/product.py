"""Tasks, as the server knows them."""

from typing import Final

from sqlalchemy import Connection

from tallystick.products.base import Product
from tallystick.products.tasks import answers, checks, routes, rows
from tallystick.products.tasks.call_back import call_back, close_session
from tallystick.products.tasks.deliver import CALLBACK, CLOSE, TaskPayment


def _payment_of(tx: Connection, task_id: str) -> str | None:
    task = rows.find(tx, task_id)
    return None if task is None else task.payment_id


PRODUCT: Final = Product(
    name="tasks",
    fulfilment=TaskPayment.make,
    routers=(routes.router,),
    schemas=answers.SCHEMAS,
    events={
        "task.completed": "TaskNews",
        "task.payment_failed": "TaskNews",
        "task.canceled": "TaskNews",
    },
    effects={CALLBACK: call_back, CLOSE: close_session},
    look_ups={"task": _payment_of},
    checks=checks.CHECKS,
)
