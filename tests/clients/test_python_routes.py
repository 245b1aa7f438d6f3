"""Each method of the Python client asks for what the API names, in its own words."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.clients.callers import Blocking
from tests.clients.hurdles import answers, hurdles

MONEY = {"amount": 5, "currency": "VND"}
GIFT = {
    "id": "gc_1",
    "orderCode": "HOL1",
    "amount": 5,
    "clientToken": "tct_1",
    "expiredAt": "2026-11-20T00:00:00Z",
}
TOP_UP = {"tx_ref": "top_1", "txRef": "top_1", "status": "pending", **MONEY}
ORDER = {"id": "ord_1", "email": "a@example.com", "productType": "pro", "quantity": 1,
         "status": "pending", **MONEY}  # fmt: skip
REFUND = {"id": "rf_1", "status": "pending", **MONEY}
TASK = {"id": "task_1", "status": "IDLE", **MONEY}
COUPON = {"code": "TEA", "type": "percent", "percent": 10}
HOOK = {"id": "whe_1", "url": "https://shop.example.com/hook", "events": ["payment.*"]}
SINCE = datetime(2026, 11, 20, tzinfo=UTC)
# The call, the request that it makes, what the hub answers, and a field that is read from that.
ASKED = {
    "gift card": (
        lambda hub: hub.gift_cards.create(email="a@example.com", amount=5),
        ("POST", "/api/gift-cards", {"email": "a@example.com", "amount": 5}),
        GIFT, "client_token", "tct_1",
    ),
    "gift card's balance": (
        lambda hub: hub.gift_cards.get("HOL/1"),
        ("GET", "/api/gift-cards/HOL%2F1", None), {"data": {"balance": 7}}, "balance", 7,
    ),
    "redemption": (
        lambda hub: hub.gift_cards.redeem("HOL1", amount=5, reference="r"),
        ("POST", "/api/gift-cards/HOL1/redeem", {"amount": 5, "reference": "r"}),
        {"balance": 2}, "balance", 2,
    ),
    "freeze": (
        lambda hub: hub.gift_cards.freeze("HOL1"),
        ("POST", "/api/gift-cards/HOL1/freeze", None), {"balance": 2}, "balance", 2,
    ),
    "gift card's letter": (
        lambda hub: hub.gift_cards.resend("gc_1", email="b@example.com"),
        ("POST", "/api/gift-cards/gc_1/resend", {"email": "b@example.com"}),
        {"data": {"balance": 7, "email": "b@example.com"}}, "email", "b@example.com",
    ),
    "top-up": (
        lambda hub: hub.topups.create(amount=5, owner_id="u"),
        ("POST", "/api/topup/init", {"amount": 5, "ownerId": "u"}),
        {"data": TOP_UP}, "tx_ref", "top_1",
    ),
    "top-up's status": (
        lambda hub: hub.topups.status("top_1"),
        ("GET", "/api/topup/status?tx_ref=top_1", None),
        {"data": {**TOP_UP, "version": 1, "final": False, "confirmed_at": None}}, "final", False,
    ),
    "spending": (
        lambda hub: hub.wallets.spend("u", **MONEY, reference="r"),
        ("POST", "/api/wallets/u/spend", {**MONEY, "reference": "r"}),
        {"data": {"ownerId": "u"}}, "owner_id", "u",
    ),
    "wallet": (
        lambda hub: hub.wallets.get("u"),
        ("GET", "/api/wallets/u", None), {"data": {"ownerId": "u"}}, "owner_id", "u",
    ),
    "product": (
        lambda hub: hub.products.create(product_type="pro", name="Pro", prices={"USD": 9}),
        ("POST", "/api/products", {"productType": "pro", "name": "Pro", "prices": {"USD": 9}}),
        {"data": {"productType": "pro", "name": "Pro", "prices": {"USD": 9}}}, "name", "Pro",
    ),
    "order": (
        lambda hub: hub.orders.create(email="a@example.com", product_type="pro", coupon_code="TEA"),
        ("POST", "/api/orders",
         {"email": "a@example.com", "productType": "pro", "couponCode": "TEA"}),
        {"data": ORDER, "clientToken": "tct_1"}, "client_token", "tct_1",
    ),
    "order's state": (
        lambda hub: hub.orders.get("ord_1"),
        ("GET", "/api/orders/ord_1", None), {"data": ORDER}, "status", "pending",
    ),
    "refund": (
        lambda hub: hub.orders.refund("ord_1", keep_access=True),
        ("POST", "/api/orders/ord_1/refunds", {"keepAccess": True}),
        {"data": REFUND}, "amount", 5,
    ),
    "coupon": (
        lambda hub: hub.coupons.create(code="TEA", type="percent", percent=10, expires_at=SINCE),
        ("POST", "/api/coupons", {**COUPON, "expiresAt": "2026-11-20T00:00:00+00:00"}),
        {"data": COUPON}, "percent", 10,
    ),
    "task": (
        lambda hub: hub.tasks.create(**MONEY, callback_url="https://shop.example.com/done"),
        ("POST", "/api/tasks", {**MONEY, "callbackUrl": "https://shop.example.com/done"}),
        {"data": TASK}, "status", "IDLE",
    ),
    "task's state": (
        lambda hub: hub.tasks.get("task_1"),
        ("GET", "/api/tasks/task_1", None), {"data": TASK}, "id", "task_1",
    ),
    "task's payment": (
        lambda hub: hub.tasks.start("task_1", gateway="govpay"),
        ("POST", "/api/tasks/task_1/actions",
         {"action": "INITIATE_PAYMENT", "gateway": "govpay"}),
        {"gatewayUrl": "https://g", "referenceNumber": "R1", "expiresAt": "2026-11-20T00:00:00Z"},
        "reference_number", "R1",
    ),
    "task that is canceled": (
        lambda hub: hub.tasks.cancel("task_1"),
        ("POST", "/api/tasks/task_1/actions", {"action": "CANCEL"}),
        {"data": {**TASK, "status": "CANCELED"}}, "status", "CANCELED",
    ),
    "webhook endpoint": (
        lambda hub: hub.webhook_endpoints.create(url=HOOK["url"], events=("payment.*",)),
        ("POST", "/api/webhook-endpoints", {"url": HOOK["url"], "events": ["payment.*"]}),
        {"data": HOOK}, "events", ("payment.*",),
    ),
}  # fmt: skip
LISTS: dict[str, tuple[Any, list[str], list[Any], int]] = {
    "products": (
        lambda hub: hub.products.list(), [("/api/products")],
        [[{"productType": "pro", "name": "Pro", "prices": {"USD": 9}}]], 1,
    ),
    "orders": (
        lambda hub: hub.orders.list(provider="polar", status="completed"),
        ["/api/admin/orders?provider=polar&status=completed",
         "/api/admin/orders?provider=polar&status=completed&page=2"],
        [{"orders": [ORDER], "pagination": {"page": 1, "limit": 1, "hasMore": True}},
         {"orders": [ORDER], "pagination": {"page": 2, "limit": 1, "hasMore": False}}], 2,
    ),
    "refunds": (
        lambda hub: hub.refunds.list(), ["/api/refunds"], [{"data": [REFUND], "pagination": {}}], 1,
    ),
    "entries": (
        lambda hub: hub.wallets.entries("u", limit=1),
        ["/api/wallets/u/entries?limit=1", "/api/wallets/u/entries?limit=1&cursor=c2"],
        [{"data": [MONEY], "pagination": {"nextCursor": "c2", "hasMore": True}},
         {"data": [MONEY], "pagination": {"nextCursor": None, "hasMore": False}}], 2,
    ),
    "events": (
        lambda hub: hub.events.list(after=7), ["/api/events?after=7"],
        [{"data": [{"id": "evt_1", "type": "payment.paid", "data": {}, "seq": 8}],
          "pagination": {"hasMore": False}}], 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_a_call_says_what_the_api_names(what):
    ask, (method, path, body), answer, field, value = ASKED[what]
    with hurdles() as hub:
        hub.ahead += [answers(200, answer)]
        got = Blocking(hub.url, "tsk_1").result(ask)

    (sent,) = hub.sent
    assert (sent.method, sent.path, sent.json) == (method, path, body)
    assert sent.headers["authorization"] == "Bearer tsk_1"
    assert getattr(got, field) == value
    creates = method == "POST" and not path.endswith(("/freeze", "/actions"))
    assert ("idempotency-key" in sent.headers) is creates


@pytest.mark.parametrize("what", LISTS)
def test_a_list_is_read_to_its_end(what):
    ask, paths, documents, many = LISTS[what]
    with hurdles() as hub:
        hub.ahead += [answers(200, document) for document in documents]
        got = Blocking(hub.url, "tsk_1").each(ask)

    assert [sent.path for sent in hub.sent] == paths
    assert len(got) == many


def test_the_secret_of_an_endpoint_is_told_once_and_never_printed():
    secret = "whsec_" + base64.b64encode(b"x" * 32).decode()
    with hurdles() as hub:
        hub.ahead += [answers(201, {"data": {**HOOK, "secret": secret}})]
        made = Blocking(hub.url).result(
            lambda hub: hub.webhook_endpoints.create(url=HOOK["url"], events=["payment.*"])
        )

    assert made.secret == secret
    assert secret not in repr(made)
