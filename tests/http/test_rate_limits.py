"""Rate limits as callers meet them: told in every answer, and refused with a time to come back."""

from __future__ import annotations

import time

import pytest

from tests.http.shop import Shop
from tests.infra.live import Answer

# Calls are counted in the memory of the process.
pytestmark = pytest.mark.sqlite_only

ENVIRONMENT = {"TALLYSTICK_RATE_LIMITS": "true"}


def until_refused(most: int, window_s: int, ask) -> tuple[list[Answer], Answer]:
    """Ask as often as is allowed, and once more.

    Windows begin at whole minutes, or quarters of an hour, of the clock, and what was counted
    before weighs a little less with each second after: who asks across such a border on a busy
    machine is let in a few more times, and refused then.
    """
    began = time.time() // window_s
    allowed = [ask() for _ in range(most)]
    refused = ask()
    while refused.status != 429 and time.time() // window_s != began:
        allowed.append(refused)
        refused = ask()
    return allowed, refused


def assert_refused(answer: Answer, name: str, most: int, window_s: int) -> None:
    """A 429 that says when to come back, and which limit it was."""
    assert answer.status == 429
    assert answer.json["code"] == "too_many_requests"
    assert 0 < int(answer.headers["retry-after"]) <= window_s
    assert answer.headers["ratelimit-policy"] == f'"{name}";q={most};w={window_s}'
    assert answer.headers["ratelimit"].startswith(f'"{name}";r=0;t=')


def test_a_payment_may_be_polled_three_hundred_times_by_one_client(shop: Shop):
    sale, other = shop.payment(gateway="sandbox"), shop.payment(gateway="sandbox")
    path = f"/api/payments/{sale.id}/status"

    allowed, refused = until_refused(300, 900, lambda: shop.get(path, token=sale.token))

    assert {answer.status for answer in allowed} == {200}
    assert allowed[0].headers["ratelimit-policy"] == '"polling";q=300;w=900'
    assert allowed[0].headers["ratelimit"].startswith('"polling";r=299;t=')
    assert_refused(refused, "polling", 300, 900)
    assert shop.get(path).status == 200
    assert shop.get(f"/api/payments/{other.id}/status", token=other.token).status == 200


def test_a_304_counts_and_says_how_many_are_left(shop: Shop):
    sale = shop.link()
    path = f"/api/payment-links/{sale.link_id}/status"
    first = shop.get(path, token=None)

    second = shop.get(path, token=None, headers={"if-none-match": first.headers["etag"]})

    assert second.status == 304
    assert left(second) == left(first) - 1


def test_strangers_share_one_hundred_calls_of_the_api(shop: Shop):
    path = "/api/payments/pay_00000000000000000000000000"

    allowed, refused = until_refused(100, 900, lambda: shop.get(path, token=None))

    assert {answer.status for answer in allowed} == {401}
    assert_refused(refused, "anonymous", 100, 900)
    assert shop.get("/api/payments").status == 200


def test_a_key_has_a_bucket_of_its_own(shop: Shop):
    answer = shop.get("/api/payments")

    assert answer.headers["ratelimit-policy"] == '"key";q=10000;w=900'


def test_the_pay_pages_may_be_opened_thirty_times_a_minute(shop: Shop):
    sale = shop.link()
    page = {"accept": "text/html"}
    path = f"/pay/{sale.short_code}"

    allowed, refused = until_refused(30, 60, lambda: shop.get(path, token=None, headers=page))

    assert {answer.status for answer in allowed} == {200}
    assert refused.status == 429
    assert refused.headers["content-type"].startswith("text/html")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"pages";q=30;w=60'


def test_streams_are_opened_out_of_the_same_budget_as_polls(shop: Shop):
    sale = shop.payment(gateway="sandbox")
    sale.cancel()
    before = left(shop.get(f"/api/payments/{sale.id}/status", token=sale.token))

    shop.get(f"/api/payments/{sale.id}/stream", token=sale.token)

    assert left(shop.get(f"/api/payments/{sale.id}/status", token=sale.token)) == before - 2


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-real-ip", "forwarded"])
def test_a_header_does_not_make_another_client_of_a_caller(shop: Shop, header: str):
    sale = shop.link()
    path = f"/api/payment-links/{sale.link_id}/status"
    first = shop.get(path, token=None)

    second = shop.get(path, token=None, headers={header: "203.0.113.7"})

    assert left(second) == left(first) - 1


def test_webhooks_are_not_limited(shop: Shop):
    statuses = {shop.post("/api/webhooks/payos", token=None, raw=b"{}").status for _ in range(150)}

    assert statuses == {401}


def left(answer: Answer) -> int:
    """How many requests the limit still allows."""
    return int(answer.headers["ratelimit"].split(";r=")[1].split(";")[0])
