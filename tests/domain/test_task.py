"""How a task stands while its row has not heard yet that a session is over."""

from datetime import UTC, datetime, timedelta

import pytest

from tallystick.domain.payment import Phase
from tallystick.products.tasks.rules import Session, Task, TaskState, standing

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(("phase", "minutes", "state"), [
    (Phase.OPEN, 14, TaskState.IN_PROGRESS), (Phase.OPEN, 15, TaskState.IDLE),
    (Phase.PROCESSING, 60, TaskState.IN_PROGRESS), (Phase.CANCELED, 1, TaskState.IDLE),
])  # fmt: skip
def test_a_session_past_its_time_is_over_unless_money_is_on_its_way(phase, minutes, state):
    task = Task("task_1", TaskState.IN_PROGRESS, 1, "VND", None, "", None, None, {}, None, NOW, NOW,
                None)  # fmt: skip
    session = Session("pay_1", "task_1", 1, NOW, NOW + timedelta(minutes=15), phase)

    assert standing(task, session, NOW + timedelta(minutes=minutes)) is state
