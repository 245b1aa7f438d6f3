"""Stories of webhooks: reordered, replayed, cut short, unknown, about nobody, or a mere ping."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from tallystick.gateways.payos import body_signature
from tests.http.shop import Sale, Shop, eventually


@pytest.fixture(params=["link at payos", "payment at sandbox"])
def sale(request: pytest.FixtureRequest, shop: Shop) -> Sale:
    """An offer of 50.000 ₫: a link that is paid at payOS, or a plain payment at the sandbox."""
    if request.param == "link at payos":
        return shop.chosen_link()
    return shop.payment(gateway="sandbox")


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def test_webhooks_in_the_wrong_order_pay_once(sale):
    happened = sale.act("reorder_webhooks")

    sale.becomes("paid", amountState="exact", received=50_000)
    assert len(happened["deliveries"]) == 2
    assert sale.counted("fulfilments") == 1
    assert sale.events().count("payment.paid") == 1


def test_a_webhook_that_is_replayed_much_later_changes_nothing(sale, shop):
    sale.act("replay_webhook", delay=2 * 3600)
    before = sale.becomes("paid")

    shop.advance(2 * 3600 + 60)

    after = sale.show()
    assert (after["received"], after["version"]) == (50_000, before["version"])
    assert (sale.counted("receipts"), sale.counted("fulfilments")) == (1, 1)


def test_a_webhook_that_is_cut_short_is_refused_and_taken_when_it_comes_whole(sale, shop):
    happened = sale.act("truncate_webhook")
    assert happened["deliveries"][0]["status"] == 401
    assert sale.counted("inbox") == 0

    shop.advance(10)

    sale.becomes("paid", received=50_000)
    assert sale.counted("receipts") == 1


def test_fields_that_nobody_knows_are_no_obstacle(sale):
    happened = sale.act("unknown_field")

    assert happened["deliveries"][0]["status"] == 200
    sale.becomes("paid", received=50_000)
    assert sale.counted("receipts") == 1


def test_a_rightly_signed_webhook_about_nobody_is_kept(shop):
    answer = shop.post("/api/webhooks/payos", token=None, json=signed(shop, transfer(42_4242)))

    assert (answer.status, answer.json) == (200, {"success": True})
    kept = eventually(lambda: inbox(shop, "42-4242"), lambda rows: rows[0][2] is not None)
    assert kept == [(None, None, "No payment of ours has this reference.")]


def test_the_old_address_of_the_payos_webhook_still_works(shop):
    sale = shop.chosen_link()
    sale.act("lose_webhook")
    order = sale.order()
    link, code = order["id"], int(sale_reference(sale))

    notice = signed(shop, {**transfer(code), "paymentLinkId": link})
    answer = shop.post("/api/payos/webhook", token=None, json=notice)

    assert answer.status == 200
    sale.becomes("paid", received=50_000)


def test_the_callback_address_of_the_old_task_system_takes_notices_too(shop):
    path = "/api/v1/payments/payos/callback"
    answer = shop.post(path, token=None, json=signed(shop, transfer(77_7777)))
    refused = shop.post(path, token=None, json={"data": {}, "signature": "0" * 64})

    assert answer.status == 200
    assert refused.status == 401
    assert len(inbox(shop, "77-7777")) == 1


def test_the_test_ping_of_payos_is_answered_with_success(shop):
    keys = shop.gateway_keys("payos")
    answer = shop.post(
        "/_sim/payos/confirm-webhook",
        token=None,
        headers={"x-client-id": keys["client_id"], "x-api-key": keys["api_key"]},
        json={"webhookUrl": f"{shop.server.url}/api/webhooks/payos"},
    )

    assert answer.status == 200
    assert answer.json["code"] == "00"


def test_a_webhook_that_cannot_be_checked_writes_nothing_but_a_counter(shop):
    name = 'tallystick_notices_total{gateway="payos",outcome="not_authentic"}'
    kept, counted = inbox(shop), shop.metric(name)
    notice = signed(shop, transfer(1))
    bodies = [b"", b"[]", b"null", b"{", json.dumps({**notice, "signature": None}).encode(),
              json.dumps({**notice, "data": {**notice["data"], "amount": 1}}).encode()]  # fmt: skip

    answers = [shop.post("/api/webhooks/payos", token=None, raw=body) for body in bodies]

    assert [answer.status for answer in answers] == [401] * len(bodies)
    assert all(answer.json["code"] == "notice_not_authentic" for answer in answers)
    assert inbox(shop) == kept
    assert shop.metric(name) == counted + len(bodies)


def test_an_authentic_webhook_that_makes_no_sense_is_kept_and_thanked_for(shop):
    answer = shop.post("/api/webhooks/payos", token=None, json=signed(shop, {"orderCode": 5}))

    [row] = shop.get("/api/notices?gateway=payos&state=unreadable").json["data"]
    assert (answer.status, answer.json) == (200, {"success": True})
    assert "authentic" in row["problem"]


def test_an_old_signature_of_the_sandbox_is_not_believed(shop):
    body = b'{"id":"ev_ping"}'

    fresh = shop.post("/api/webhooks/sandbox", token=None, raw=body, headers=stamped(shop, body, 0))
    stale = stamped(shop, body, -3600)
    old = shop.post("/api/webhooks/sandbox", token=None, raw=body, headers=stale)

    assert fresh.status == 200
    assert old.status == 401


def transfer(order_code: int) -> dict[str, object]:
    """The data of a payOS notice about 50.000 ₫ for an order."""
    name = f"{order_code // 10_000}-{order_code % 10_000:04}"
    return {
        "orderCode": order_code, "amount": 50_000, "description": "Tea", "reference": name,
        "accountNumber": "0123456789", "transactionDateTime": "2026-11-20 10:00:00",
        "currency": "VND", "paymentLinkId": f"link{order_code}", "code": "00", "desc": "success",
    }  # fmt: skip


def signed(shop: Shop, data: dict[str, object]) -> dict[str, Any]:
    """A notice with the signature of this hub's payOS channel."""
    signature = body_signature(data, shop.gateway_keys("payos")["checksum_key"])
    return {"code": "00", "desc": "success", "success": True, "data": data, "signature": signature}


def stamped(shop: Shop, body: bytes, age_s: int) -> dict[str, str]:
    """The signature header of the sandbox, made some seconds ago in the hub's own time."""
    stamp = str(int(shop.now().timestamp()) + age_s)
    secret = shop.gateway_keys("sandbox")["webhook_secret"].encode()
    digest = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"sandbox-signature": f"t={stamp},v1={digest}"}


def sale_reference(sale: Sale) -> str:
    """What the hub calls its offer at the gateway."""
    where = f"payment_id = '{sale.id}'"
    return str(sale.shop.rows(f"SELECT our_ref FROM attempts WHERE {where}")[0][0])


def inbox(shop: Shop, reference: str = "") -> list[tuple[object, ...]]:
    """Kept notices: payment, when handled, and what is wrong."""
    like = f"event_id LIKE '%{reference}'"
    return shop.rows(f"SELECT payment_id, handled_at, error FROM inbox WHERE {like} ORDER BY id")
