"""Tasks that nobody waits for any more: canceled with all of their sessions, told once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.callers import key_of
from tests.http.products import Session, Task, Workflow
from tests.http.shop import Shop

TTL_S = 900


@pytest.fixture(scope="module")
def workflow() -> Iterator[Workflow]:
    """A workflow that accepts what it is told."""
    with Workflow.open() as made:
        yield made


@pytest.fixture
def task(shop: Shop, workflow: Workflow) -> Iterator[Task]:
    """A task of 50.000 ₫ that nobody has started; after each story the books balance."""
    yield Task(shop, workflow, reference="case-9")
    shop.audit()


def news(task: Task) -> list[str]:
    rows = task.shop.rows(f"SELECT type FROM outbox WHERE subject = '{task.id}' ORDER BY at, id")
    return [row[0] for row in rows]


def canceled(task: Task) -> dict:
    answer = task.act("CANCEL", None)
    assert answer.status == 200, answer.text
    return answer.data


def test_a_task_that_nobody_has_started_is_canceled_and_told_once(task):
    first, again = canceled(task), canceled(task)

    assert first["status"] == again["status"] == task.show()["status"] == "CANCELED"
    assert (first["paymentId"], first["completedAt"], first["callback"]) == (None, None, None)
    assert news(task) == ["task.canceled"]
    listed = task.shop.get("/api/tasks?status=CANCELED&reference=case-9")
    assert task.id in [one["id"] for one in listed.data]


def test_a_canceled_task_cannot_be_started_again(task):
    canceled(task)

    refused = task.act()

    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert "canceled" in refused.json["detail"]
    assert task.show()["session"] is None


def test_the_live_session_of_a_canceled_task_is_over_and_the_workflow_hears_why(task):
    session = task.start()

    canceled(task)

    session.becomes("canceled")
    assert "The task was canceled" in session.why()
    shown = task.show()["session"]
    assert (shown["phase"], shown["paymentError"]) == ("canceled", "canceled")
    assert news(task) == ["task.payment_failed", "task.canceled"]


def test_money_for_a_canceled_task_goes_to_a_person_whichever_session_it_came_in(task):
    old = task.start("sepay")
    task.shop.advance(TTL_S + 30)
    task.becomes("IDLE")
    new = task.start("sepay")
    canceled(task)

    for session in (old, new):
        session.act("pay_late")
        session.becomes("canceled", review="late_after_cancel")

    assert task.show()["status"] == "CANCELED"
    assert "task.completed" not in news(task)
    back = task.shop.post(f"/api/payments/{new.id}/refunds", json={})
    assert back.data["state"] == "manual", back.text


def test_a_person_who_accepts_the_money_completes_the_canceled_task_after_all(task):
    session = task.start("sepay")
    canceled(task)
    session.act("pay_late")
    session.becomes("canceled", review="late_after_cancel")

    task.shop.post(f"/api/payments/{session.id}/accept", json={"reason": "They came back."})

    assert task.becomes("COMPLETED")["paymentId"] == session.id
    assert news(task)[-1] == "task.completed"


def test_a_task_that_is_paid_or_about_to_be_is_not_canceled(task, shop, workflow):
    session = task.start()
    # The gateway has it, and its notice never comes: the last question finds it.
    session.act("lose_webhook")
    in_flight = Task(shop, workflow)
    flying = Session(shop, in_flight.act(gateway="onepay").data)
    flying.act("underpay")
    shop.post(f"/api/payments/{flying.id}/check")
    flying.becomes("processing")

    paid, on_its_way = task.act("CANCEL", None), in_flight.act("CANCEL", None)

    assert (paid.status, on_its_way.status) == (409, 409)
    assert "refund" in paid.json["detail"]
    assert "on its way" in on_its_way.json["detail"]
    assert task.show()["status"] == "COMPLETED"
    assert in_flight.show()["status"] == "IN_PROGRESS"


def test_a_reader_cannot_cancel_a_task(task):
    refused = task.act("CANCEL", None, token=key_of(task.shop, "reader"))

    assert refused.status == 403
    assert task.show()["status"] == "IDLE"
