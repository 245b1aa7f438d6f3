"""Tasks over HTTP: started, paid in one session or another, completed once, and called back."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tallystick.products.tasks.rules import TASK_MOVES, TaskSignal, TaskState
from tests.http.callers import key_of, user_token
from tests.http.products import Session, Task, Workflow
from tests.http.shop import Shop, eventually

UNKNOWN = "task_00000000000000000000000000"
TTL_S = 900
INQUIRY_KEY = "inquiry-key-of-the-portal"
ENVIRONMENT = {"TALLYSTICK_GOVPAY_INQUIRY_KEY": INQUIRY_KEY}


@pytest.fixture(scope="module")
def workflow() -> Iterator[Workflow]:
    """A workflow that accepts what it is told."""
    with Workflow.open() as made:
        yield made


@pytest.fixture
def task(shop: Shop, workflow: Workflow) -> Task:
    """A task of 50.000 ₫ that nobody has started."""
    workflow.says = 200
    return Task(shop, workflow, serviceType="permit", reference="case-7", metadata={"step": 3})


@pytest.fixture(autouse=True)
def _balanced(shop: Shop) -> Iterator[None]:
    """After each test the books balance."""
    yield
    shop.audit()


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("signal", TaskSignal)
def test_every_pair_of_the_table_is_as_it_was_agreed(state, signal):
    agreed = {
        (TaskState.IDLE, TaskSignal.STARTED): TaskState.IN_PROGRESS,
        (TaskState.IDLE, TaskSignal.PAID): TaskState.COMPLETED,
        (TaskState.IN_PROGRESS, TaskSignal.LAPSED): TaskState.IDLE,
        (TaskState.IN_PROGRESS, TaskSignal.PAID): TaskState.COMPLETED,
        (TaskState.IDLE, TaskSignal.CANCELED): TaskState.CANCELED,
        (TaskState.IN_PROGRESS, TaskSignal.CANCELED): TaskState.CANCELED,
        (TaskState.CANCELED, TaskSignal.PAID): TaskState.COMPLETED,
    }

    assert TASK_MOVES.get((state, signal)) == agreed.get((state, signal))


def test_a_task_is_idle_until_somebody_starts_it(task):
    started = task.act()

    assert task.made["status"] == "IDLE"
    assert started.status == 201
    assert started.data["status"] == "IN_PROGRESS"
    assert started.data["gatewayUrl"].startswith("http")
    assert started.data["referenceNumber"]
    assert started.data["expiresAt"].endswith("Z")
    assert task.show()["status"] == "IN_PROGRESS"


def test_a_gateway_without_a_page_is_paid_on_ours(shop, workflow):
    task = Task(shop, workflow, amount=150_000, currency="LKR")
    started = task.act(gateway="govpay").data
    page = shop.get(started["gatewayUrl"].removeprefix(shop.server.url), token=None)

    assert page.status == 200
    assert started["referenceNumber"] in page.text
    returned = shop.get(
        started["gatewayUrl"].removeprefix(shop.server.url) + "?payment_error=declined", token=None
    )
    assert "The payment was declined." in returned.text
    lying = shop.get(
        started["gatewayUrl"].removeprefix(shop.server.url) + "?payment_error=Call+0900-555",
        token=None,
    )
    assert "0900-555" not in lying.text


def test_money_completes_the_task_and_the_workflow_is_called_back_signed(task, workflow):
    session = task.start()
    session.act("pay")
    told = task.called_back()

    assert (told["status"], told["paymentId"]) == ("COMPLETED", session.id)
    ((headers, body),) = workflow.about(task)
    said = json.loads(body)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(task.secret.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"
    assert (said["type"], said["id"]) == ("task.completed", headers["webhook-id"])
    assert said["data"]["taskId"] == task.id
    assert said["data"]["referenceNumber"] == session.told["referenceNumber"]
    assert said["data"]["metadata"] == {"step": 3}
    news = task.shop.rows(f"SELECT type FROM outbox WHERE subject = '{task.id}'")
    assert news == [("task.completed",)]


def test_reading_a_task_changes_nothing(task):
    task.start()
    task.shop.advance(0)
    before = task.shop.rows(f"SELECT * FROM tasks WHERE id = '{task.id}'")

    shown = [task.show() for _ in range(3)]

    assert shown[0] == shown[2]
    assert task.shop.rows(f"SELECT * FROM tasks WHERE id = '{task.id}'") == before


def test_starting_twice_is_one_session(task):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: task.act(), range(8)))

    assert sorted(one.status for one in answers) == [200] * 7 + [201]
    assert len({one.data["paymentId"] for one in answers}) == 1
    other = task.act(gateway="payos")
    assert (other.status, other.json["code"]) == (409, "conflict")


def test_a_session_past_its_time_gives_way_to_a_new_reference(task):
    first = task.start()
    task.shop.advance(TTL_S + 30)
    assert task.show()["status"] == "IDLE"

    second = task.start()

    assert second.told["referenceNumber"] != first.told["referenceNumber"]
    assert task.show()["status"] == "IN_PROGRESS"


def test_money_on_the_old_reference_completes_the_task_once(task, workflow):
    first = task.start()
    task.shop.advance(TTL_S + 30)
    second = task.start()

    first.act("pay_late")

    told = task.called_back()
    assert told["paymentId"] == first.id
    second.becomes("canceled")
    task.shop.advance(3600)
    assert len(workflow.about(task)) == 1


def test_money_on_an_idle_task_completes_it(task):
    session = task.start()
    task.shop.advance(TTL_S + 30)

    session.act("pay_late")

    assert task.becomes("COMPLETED")["paymentId"] == session.id


def test_a_second_payment_goes_to_a_person_and_completes_nothing_again(task, workflow):
    first = task.start()
    task.shop.advance(TTL_S + 30)
    second = task.start()
    second.act("pay")
    told = task.called_back()

    first.act("pay_late")
    shown = first.becomes("paid", review="second_payer")

    assert told["paymentId"] == second.id
    assert task.show() == told
    assert shown["received"] == 50_000
    assert len(workflow.about(task)) == 1
    assert "another payment" in first.why()


def test_fifty_webhooks_polls_and_checks_at_once_complete_the_task_once(task, workflow):
    session = task.start()
    path = f"/api/payments/{session.id}"
    turns = threading.Semaphore(5)
    asks = [
        lambda: session.act("repeat_webhook", times=3) if turns.acquire(blocking=False) else None,
        lambda: task.shop.get(f"{path}/status", token=session.token),
        lambda: task.shop.post(f"{path}/check"),
    ]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: asks[number % 3](), range(50)))

    task.called_back()
    count = f"SELECT count(*) FROM jobs WHERE dedupe_key = 'task_callback/{task.id}'"
    posted = f"SELECT count(*) FROM transfers WHERE kind='fulfilment' AND subject='{session.id}'"
    assert task.shop.rows(count) == [(1,)]
    assert task.shop.rows(posted) == [(1,)]
    assert len(workflow.about(task)) == 1


def test_a_callback_that_is_not_heard_is_repeated_with_the_same_id(task, workflow):
    workflow.says = 503
    task.start().act("pay")
    eventually(lambda: len(workflow.about(task)), lambda calls: calls >= 1)
    task.shop.advance(6 * 3600)
    assert task.show()["callback"]["status"] == "pending"
    workflow.says = 204

    task.shop.advance(3 * 3600)

    assert task.called_back()["callback"]["error"] is None
    calls = workflow.about(task)
    assert len(calls) > 10
    assert len({headers["webhook-id"] for headers, _ in calls}) == 1
    assert len({body for _, body in calls}) == 1


def test_a_callback_is_given_up_after_three_days_and_sent_again_when_somebody_asks(
    open_shop, workflow
):
    shop = open_shop()
    workflow.says = 302
    task = Task(shop, workflow)
    assert task.act("RESEND_CALLBACK", None).status == 409
    task.start().act("pay")
    task.becomes("COMPLETED")

    shop.advance(4 * 86_400)

    given_up = task.show()["callback"]
    assert (given_up["status"], given_up["nextTryAt"]) == ("failed", None)
    assert "302" in given_up["error"]
    workflow.says = 200
    again = task.act("RESEND_CALLBACK", None)
    assert again.status == 200
    task.called_back()


@pytest.mark.parametrize("url", [
    "http://10.0.0.1/", "http://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/",
    "https://user@shop.example/", "ftp://shop.example/", "shop.example", "", "http://[fd00::1]/",
])  # fmt: skip
def test_a_callback_address_in_a_private_network_is_refused(shop, url):
    wish = {"amount": 1, "currency": "VND", "callbackUrl": url}

    answer = shop.post("/api/tasks", json=wish)

    assert (answer.status, answer.json["code"]) == (400, "address_refused")


@pytest.mark.parametrize("body", [
    {}, {"amount": 1, "currency": "VND"}, {"amount": 0}, {"amount": 1.0}, {"currency": "ZZZ"},
    {"metadata": {"x": "y" * 501}}, {"more": 1}, {"reference": ""},
])  # fmt: skip
def test_a_task_that_makes_no_sense_is_refused(shop, workflow, body):
    wish = {"amount": 50_000, "currency": "VND", "callbackUrl": workflow.url, **body}
    wish = body if len(body) in {0, 2} else wish

    assert shop.post("/api/tasks", json=wish).status == 400


def test_actions_that_make_no_sense_are_refused(task):
    refused = [task.act("INITIATE_PAYMENT", None), task.act("PAY"), task.act(gateway="nobody"),
               task.act(gateway="govpay")]  # fmt: skip

    assert [one.status for one in refused] == [400] * 4
    assert task.show()["status"] == "IDLE"


def test_who_may_see_and_start_a_task(shop, workflow):
    mine = Task(shop, workflow, ownerId="user-t", reference="secret note")
    path = f"/api/tasks/{mine.id}"
    reader, own = key_of(shop, "reader"), user_token(shop, "user-t")
    foreign = user_token(shop, "somebody-else")

    assert [shop.get(path, token=t).status for t in (reader, own, foreign, None)] == [
        200, 200, 404, 401
    ]  # fmt: skip
    assert "secret note" not in shop.get(path, token=own).text
    assert shop.get(f"/api/tasks/{UNKNOWN}").status == 404
    assert [mine.act(token=t).status for t in (reader, own, None)] == [403, 401, 401]
    assert shop.get("/api/tasks", token=own).status == 401


def test_tasks_are_listed_and_filtered(shop, workflow):
    made = [Task(shop, workflow, reference="the-list") for _ in range(3)]
    made[0].start()

    listed = shop.get("/api/tasks?reference=the-list&limit=2")
    running = shop.get("/api/tasks?reference=the-list&status=IN_PROGRESS")

    assert [one["id"] for one in listed.data] == [made[2].id, made[1].id]
    assert listed.json["pagination"]["hasMore"]
    assert [one["id"] for one in running.data] == [made[0].id]
    assert shop.get("/api/tasks?status=DONE").status == 400


def test_the_same_request_twice_is_one_task(shop, workflow):
    wish = {"amount": 50_000, "currency": "VND", "callbackUrl": workflow.url}
    key = {"idempotency-key": "task-1"}

    first, second = (shop.post("/api/tasks", json=wish, headers=key) for _ in range(2))

    assert first.json == second.json
    assert second.headers["idempotent-replayed"] == "true"


def test_the_gateway_inquires_in_its_own_words_and_its_payment_completes_the_task(shop, workflow):
    task = Task(shop, workflow, amount=150_000, currency="LKR")
    session = task.start("govpay")
    reference = session.told["referenceNumber"]
    key = {"x-api-key": INQUIRY_KEY}
    paths = [f"/api/v1/payments/{name}/inquiry?reference=" for name in ("govpay", "lankapay")]

    before = [shop.get(path + reference, token=None, headers=key) for path in paths]
    session.act("pay")
    task.called_back()
    after = shop.get(paths[0] + reference, token=None, headers=key)

    assert before[0].json == before[1].json
    assert before[0].json["paymentReference"] == reference
    assert (before[0].json["isPayable"], after.json["isPayable"]) == (True, False)
    refused = [shop.get(paths[0] + reference, token=None).status,
               shop.get(paths[0], token=None, headers=key).status,
               shop.get(paths[0] + "TSNOBODY", token=None, headers=key).status]  # fmt: skip
    assert refused == [401, 400, 404]


def test_a_declined_session_reaches_the_task_and_money_on_it_still_completes_it(task, workflow):
    session = task.start()

    session.act("decline")

    told = task.becomes("IDLE")
    assert told["session"]["paymentError"] == "declined"
    said = failures(task, workflow)
    assert [(one["status"], one["outcome"], one["reason"]) for one in said] == [
        ("FAILED", "PAYMENT_FAILED", "declined")
    ]
    assert (said[0]["paymentId"], said[0]["metadata"]) == (session.id, {"step": 3})
    news = f"SELECT type FROM outbox WHERE subject = '{task.id}'"
    assert task.shop.rows(news) == [("task.payment_failed",)]
    second = task.start()
    assert second.id != session.id
    session.act("pay")
    assert task.called_back()["paymentId"] == session.id
    task.shop.advance(TTL_S + 30)
    assert len(failures(task, workflow)) == 1


@pytest.mark.parametrize("end", ["expired", "canceled"])
def test_a_session_without_money_is_told_once_when_it_is_over(task, workflow, end):
    session = task.start()

    if end == "expired":
        task.shop.advance(TTL_S + 30)
    else:
        session.cancel()

    session.becomes(end)
    (said,) = failures(task, workflow)
    expected = {"expired": ("EXPIRED", "session_expired"), "canceled": ("FAILED", "canceled")}
    assert (said["status"], said["reason"]) == expected[end]
    assert said["referenceNumber"] == session.told["referenceNumber"]
    shown = task.show()
    assert (shown["status"], shown["session"]["paymentError"]) == ("IDLE", said["reason"])
    assert shown["callback"] is None
    task.shop.advance(3600)
    assert len(failures(task, workflow)) == 1


def test_the_portal_hears_on_its_return_address_why_its_user_did_not_pay(shop, workflow):
    task = Task(shop, workflow)
    back = "https://portal.example/done?case=7"
    body = {"action": "INITIATE_PAYMENT", "gateway": "sandbox", "returnUrl": back}
    started = shop.post(f"/api/tasks/{task.id}/actions", json=body).data
    page = started["pageUrl"].removeprefix(shop.server.url)
    assert 'href="https://portal.example/done?case=7"' in shop.get(page, token=None).text

    Session(shop, started).act("decline")
    task.becomes("IDLE")
    declined = shop.get(page, token=None).text
    shop.advance(TTL_S + 30)
    expired = shop.get(page, token=None).text

    assert f'href="{back}&amp;payment_error=declined"' in declined
    assert f'href="{back}&amp;payment_error=session_expired"' in expired


def test_the_gateway_may_be_left_out_where_one_is_made_for_the_currency(shop, workflow):
    lanka = Task(shop, workflow, amount=150_000, currency="LKR")
    dong = Task(shop, workflow)

    chosen, unclear = lanka.act(gateway=None), dong.act(gateway=None)
    live = dong.start("sepay")

    assert (chosen.status, chosen.data["gateway"]) == (201, "govpay")
    assert unclear.status == 400
    assert "payos, sepay" in unclear.json["detail"]
    assert dong.act(gateway=None).data["paymentId"] == live.id
    assert lanka.act(gateway=None).data["paymentId"] == chosen.data["paymentId"]


def failures(task: Task, workflow: Workflow) -> list[dict]:
    """What the workflow was told of sessions without money, once it was told of one."""

    def told() -> list[dict]:
        said = workflow.about(task, "task.payment_failed")
        return [json.loads(body)["data"] for _, body in said]

    return eventually(told, bool)
