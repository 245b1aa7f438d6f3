"""The Python client against a running hub: what it does, and what it does when answers get lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tallystick.client import (
    Conflict,
    Invalid,
    NotFound,
    RateLimited,
    ServerError,
    Tallystick,
    Unauthenticated,
    Unreachable,
)
from tests.clients.callers import CALLERS
from tests.clients.hurdles import Hurdles, answers, hurdles, loses
from tests.http.shop import Sale, Shop

TEA: dict[str, Any] = {"amount": 50_000, "currency": "VND", "gateway": "payos"}


@pytest.fixture
def way(shop: Shop) -> Iterator[Hurdles]:
    """A way to the hub with hurdles."""
    with hurdles(shop.server.url) as running:
        yield running


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest, shop: Shop, way: Hurdles):
    """Either client, with the merchant's key."""
    return request.param(way.url, shop.server.secret_key)


def test_a_payment_is_opened_paid_and_proved(shop: Shop, caller):
    opened = caller.result(lambda hub: hub.payments.create(**TEA, metadata={"table": 4}))
    sale = Sale(shop, opened.id, opened.client_token)
    sale.act("pay")
    sale.becomes("paid")
    paid = caller.result(lambda hub: hub.payments.get(opened.id))
    proof = caller.result(lambda hub: hub.payments.why(opened.id))

    assert (opened.phase, opened.received, opened.checkout.bank_name) == ("open", 0, "MB")
    assert (paid.phase, paid.received, paid.amount_state) == ("paid", 50_000, "exact")
    assert paid.metadata == {"table": 4}
    assert paid.paid_at.tzinfo == UTC
    assert "arrived" in proof.reasons[-1].sentence
    assert paid.raw["purpose"] == "plain", "What this version does not name is still there."


def test_an_event_says_when_it_happened(shop: Shop, caller):
    sale = shop.payment()

    events = caller.each(lambda hub: hub.events.list(limit=200))

    [opened] = [one for one in events if one.raw.get("subject") == sale.id]
    assert opened.created_at is not None
    assert opened.created_at.tzinfo == UTC
    assert opened.created_at == datetime.fromisoformat(opened.raw["timestamp"])


def test_a_link_is_made_opened_and_canceled(caller):
    made = caller.result(
        lambda hub: hub.payment_links.create(
            amount=1999, currency="VND", description="Tea", gateways=("payos",), draft=True
        )
    )
    opened = caller.result(lambda hub: hub.payment_links.open(made.id))
    canceled = caller.result(lambda hub: hub.payment_links.cancel(made.short_code))
    status = caller.result(lambda hub: hub.payment_links.status(made.id))

    states = [one.current_status for one in (made, opened, canceled, status)]
    assert states == ["DRAFT", "OPEN", "CANCELED", "CANCELED"]
    assert made.url.endswith(f"/pay/{made.short_code}")
    assert made.gateways == ("payos",)
    assert status.final


def test_a_create_whose_answer_is_lost_is_repeated_and_happens_once(way: Hurdles, caller):
    owner = uuid.uuid4().hex
    way.ahead += [loses, answers(503), loses]

    made = caller.result(lambda hub: hub.payments.create(**TEA, owner_id=owner))
    found = caller.each(lambda hub: hub.payments.list(owner_id=owner))

    assert [one.id for one in found] == [made.id]
    keys = {sent.headers["idempotency-key"] for sent in way.sent if sent.method == "POST"}
    assert len(keys) == 1


def test_a_key_of_ones_own_opens_one_payment_however_often_it_is_asked(shop: Shop, caller):
    ask = {**TEA, "idempotency_key": uuid.uuid4().hex}

    first = caller.result(lambda hub: hub.payments.create(**ask))
    second = caller.result(lambda hub: hub.payments.create(**ask))

    assert first == second
    with pytest.raises(Invalid) as refused:
        caller.result(lambda hub: hub.payments.create(**{**ask, "amount": 1}))
    assert refused.value.code == "idempotency_key_reused"


def test_a_list_is_one_list_however_many_pages_it_has(caller):
    owner = uuid.uuid4().hex
    made = [
        caller.result(lambda hub: hub.payments.create(**TEA, owner_id=owner)).id for _ in range(5)
    ]

    found = caller.each(lambda hub: hub.payments.list(owner_id=owner, limit=2))

    assert [one.id for one in found] == made[::-1]


def test_every_refusal_is_an_error_of_its_own(way: Hurdles, shop: Shop, caller):
    sale = shop.payment()
    sale.act("pay")
    sale.becomes("paid")

    with pytest.raises(NotFound) as missing:
        caller.result(lambda hub: hub.payments.get("pay_../../x y"))
    with pytest.raises(Conflict):
        caller.result(lambda hub: hub.payments.cancel(sale.id))
    with pytest.raises(Invalid) as wrong:
        caller.result(lambda hub: hub.payments.create(**{**TEA, "amount": -1}))
    with pytest.raises(Unauthenticated):
        type(caller)(way.url, "tsk_wrong").result(lambda hub: hub.payments.get(sale.id))

    assert missing.value.status == 404
    assert str(missing.value.request_id).startswith("req_")
    assert [one.field for one in wrong.value.errors] == ["amount"]
    assert wrong.value.detail in str(wrong.value)


def test_a_wait_that_the_hub_asks_for_is_waited_unless_it_is_long(way: Hurdles, caller):
    problem = {"code": "too_many_requests", "detail": "Wait.", "title": "Too many", "status": 429}
    way.ahead += [
        answers(429, problem, Retry_After="0"),
        answers(502),
        answers(409, Retry_After="0"),
    ]

    found = caller.result(lambda hub: hub.payments.create(**TEA))
    asked = len(way.sent)
    way.ahead += [answers(429, problem, Retry_After="900")]
    with pytest.raises(RateLimited) as limited:
        caller.result(lambda hub: hub.payments.get(found.id))

    assert asked == 4
    assert limited.value.retry_after_s == 900
    assert len(way.sent) == 5


def test_what_is_not_safe_to_repeat_is_asked_once(way: Hurdles, caller):
    way.ahead += [answers(503)]

    with pytest.raises(ServerError):
        caller.result(lambda hub: hub.tasks.start("task_1", gateway="govpay"))

    assert len(way.sent) == 1


def test_a_hub_that_stays_away_is_unreachable_and_no_secret_is_told(
    way: Hurdles, shop: Shop, caller
):
    def dies(handler, sent) -> None:
        pass

    way.ahead += [dies] * 4

    with pytest.raises(Unreachable) as away:
        caller.result(lambda hub: hub.gift_cards.get("HOL-GIFT-SECRET"))

    assert len(way.sent) == 4
    assert way.url in str(away.value)
    assert "SECRET" not in str(away.value)


@pytest.mark.parametrize("body", [None, [], {"data": 1}, {"data": {"id": "pay_1"}}, "<html>"])
def test_an_answer_that_no_hub_gives_is_no_answer(way: Hurdles, caller, body):
    way.ahead += [answers(200, body)]

    with pytest.raises(Unreachable, match=r"answer"):
        caller.result(lambda hub: hub.payments.get("pay_1"))


def test_no_secret_is_ever_printed(shop: Shop):
    key = shop.server.secret_key
    with Tallystick(shop.server.url, key) as hub:
        payment = hub.payments.create(**TEA)
        printed = repr([hub, hub.payments, hub.payments._line.way, payment])

    assert payment.client_token
    assert payment.client_token not in printed
    assert key not in printed
    assert payment.id in printed


def test_jobs_run_with_the_cron_secret(shop: Shop, way: Hurdles, caller):
    cron = type(caller)(way.url, shop.server.cron_secret)

    run = cron.result(lambda hub: hub.jobs.run("expired-links"))
    history = cron.result(lambda hub: hub.jobs.get("expired-links"))
    every_job = {job.job_name: job for job in cron.each(lambda hub: hub.jobs.list())}
    gateways = caller.each(lambda hub: hub.gateways.list())

    assert run.success
    assert history.stats.total_executions == len(history.recent_executions) > 0
    assert history.enabled
    assert every_job["expired-links"].every == 300
    assert every_job["expired-links"].stats.last_execution.success
    assert "VND" in next(one for one in gateways if one.name == "payos").currencies


@pytest.mark.parametrize("url", ["", "pay.example.com", "ftp://x", "https://user:word@pay.example"])
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(ValueError, match="base_url"):
        Tallystick(url, "tsk_x")
