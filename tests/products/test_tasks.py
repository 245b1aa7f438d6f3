"""Tasks keep what every product keeps."""

from __future__ import annotations

from tallystick.domain.ids import new_id
from tallystick.products.tasks import rows
from tallystick.products.tasks.product import PRODUCT
from tallystick.products.tasks.rules import Task, TaskState
from tallystick.products.tasks.sessions import create_task, start_session
from tests.products.conformance import AMOUNT, ProductConformance, Sold
from tests.store.rows import NOW


class TestTasks(ProductConformance):
    """Its work goes on once it is paid, and nobody undoes it when money goes back."""

    product = PRODUCT
    package = "tallystick.products.tasks"
    irrevocable = True

    async def told(self, house):
        """That a session ended without money is told too."""
        return [one for one in await super().told(house) if one.type == "task.completed"]

    async def sell(self, house):
        task = Task(
            new_id("task", NOW), TaskState.IDLE, AMOUNT, "VND", None, "https://shop.example/", None,
            None, {}, None, NOW, NOW, None,
        )  # fmt: skip
        await create_task(house.hub, task)
        made = await start_session(house.hub, task.id, "till", None)
        return Sold(task.id, made.snapshot.id, next(reversed(house.till.books)))

    async def worth(self, house, sold):
        task = await house.database.read(lambda tx: rows.find(tx, sold.id))
        return AMOUNT if task.state is TaskState.COMPLETED else 0
