"""Idempotency-Key: the same creating request twice has one effect and one answer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread

import httpx2
import pytest

from tests.http.callers import key_of, user_token
from tests.http.line import Line
from tests.http.shop import Shop, eventually

PAYMENT = {"amount": 50_000, "currency": "VND", "gateway": "sandbox"}
LINK = {"amount": 50_000, "currency": "VND", "description": "Tea"}
CARD = {"amount": 50_000, "currency": "VND", "gateway": "sandbox", "email": "mai@example.vn"}
ORDER = {"email": "mai@example.vn", "productType": "pro", "gateway": "sepay"}


@pytest.fixture(params=["/api/payments", "/api/payment-links"])
def create(request: pytest.FixtureRequest, shop: Shop):
    """Posts one creating request with a key."""
    wish = PAYMENT if request.param == "/api/payments" else LINK

    def post(key: str, *, token: str | None = None, **changes: object):
        words = {} if token is None else {"token": token}
        body = {**wish, **changes}
        return shop.post(request.param, json=body, headers={"idempotency-key": key}, **words)

    return post


def payments(shop: Shop) -> int:
    """How many payments there are."""
    return int(shop.rows("SELECT count(*) FROM payments")[0][0])


def test_the_same_request_again_gets_the_same_answer_to_the_last_byte(shop, create):
    before = payments(shop)

    first, second = create("again-1"), create("again-1")

    assert (first.status, second.status) == (201, 201)
    assert second.body == first.body
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert payments(shop) == before + 1


def test_the_same_key_with_another_body_is_refused(shop, create):
    first = create("other-1")
    before = payments(shop)

    second = create("other-1", amount=60_000)

    assert first.status == 201
    assert second.status == 422
    assert second.json["code"] == "idempotency_key_reused"
    assert payments(shop) == before


def test_twenty_at_once_have_one_effect(shop, create):
    before = payments(shop)

    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(create, ["crowd-1"] * 20))

    assert {answer.status for answer in answers} <= {201, 409}
    made = [answer for answer in answers if answer.status == 201]
    assert len({answer.body for answer in made}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in made) == 1
    assert all(answer.headers["retry-after"] for answer in answers if answer.status == 409)
    assert payments(shop) == before + 1


def test_each_merchant_key_has_its_own_idempotency_keys(shop, create):
    other = key_of(shop, "operator")

    mine, theirs = create("mine-1"), create("mine-1", token=other, amount=60_000)

    assert (mine.status, theirs.status) == (201, 201)
    assert mine.data["id"] != theirs.data["id"]


def test_the_same_key_on_another_route_is_another_request(shop):
    key = {"idempotency-key": "route-1"}

    payment = shop.post("/api/payments", json=PAYMENT, headers=key)
    link = shop.post("/api/payment-links", json=LINK, headers=key)

    assert (payment.status, link.status) == (201, 201)


def test_a_request_that_was_refused_may_be_mended_under_the_same_key(create):
    refused = create("mended-1", amount=-5)

    mended = create("mended-1")

    assert refused.status == 400
    assert mended.status == 201


def test_without_a_key_two_requests_are_two_payments(shop):
    before = payments(shop)

    shop.post("/api/payments", json=PAYMENT)
    shop.post("/api/payments", json=PAYMENT)

    assert payments(shop) == before + 2


def test_a_kept_answer_is_not_readable_in_the_database(shop, create):
    answer = create("sealed-1")

    rows = shop.rows("SELECT key, answer FROM idempotency WHERE key = 'sealed-1'")

    assert rows
    assert all(answer.data["id"].encode() not in bytes(kept) for _, kept in rows)


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "tab\tinside"])
def test_a_key_of_the_wrong_form_is_refused_in_words(shop, key):
    answer = shop.post("/api/payments", json=PAYMENT, headers={"idempotency-key": key})

    assert answer.status == 400
    assert "Idempotency-Key" in answer.json["detail"]


@pytest.mark.parametrize(("path", "wish"), [("/api/gift-cards", CARD), ("/api/orders", ORDER)])
def test_a_stranger_at_the_same_address_is_not_told_the_client_token(shop, path, wish):
    key = {"idempotency-key": "weak-1"}

    first, again = (shop.post(path, json=wish, headers=key, token=None) for _ in range(2))

    mine, theirs = (json.loads(answer.body) for answer in (first, again))
    mine, theirs = mine.get("data", mine), theirs.get("data", theirs)
    assert mine["clientToken"].startswith("tct_")
    assert theirs == {**mine, "clientToken": None}
    assert again.headers["idempotent-replayed"] == "true"


def test_a_user_with_a_jwt_is_told_the_client_token_again(shop):
    key, jwt = {"idempotency-key": "mine-again"}, user_token(shop, "mai")

    first, again = (
        shop.post("/api/gift-cards", json=CARD, headers=key, token=jwt) for _ in range(2)
    )

    assert again.body == first.body


def test_the_key_of_a_process_that_died_is_free_again(open_shop):
    shop = open_shop()
    headers = {"idempotency-key": "died-1"}
    wish = {**PAYMENT, "gateway": "payos"}
    shop.payment(gateway="payos").act("hang", times=1)

    def ask() -> None:
        line = Line(lambda: shop.server.url)
        with suppress(httpx2.HTTPError):
            line.send(
                "POST", "/api/payments", json=wish, headers=headers, token=shop.server.secret_key
            )
        line.close()

    asking = Thread(target=ask)
    asking.start()
    held = "SELECT payment_id FROM idempotency WHERE key = 'died-1' AND status IS NULL"
    rows = eventually(lambda: shop.rows(held), bool)
    shop.server.kill9()
    asking.join()
    shop.server.restart()
    if shop.server.database.startswith("postgresql"):
        # The holder might be another server that is alive: its lease runs out by itself.
        refused = shop.post("/api/payments", json=wish, headers=headers)
        assert (refused.status, refused.json["code"]) == (409, "still_running")
        shop.rows("UPDATE idempotency SET held_until = now() WHERE key = 'died-1'")

    answer = shop.post("/api/payments", json=wish, headers=headers)

    assert answer.status == 201, answer.text
    assert answer.data["id"] == rows[0][0]
    assert answer.json["clientToken"].startswith("tct_")
