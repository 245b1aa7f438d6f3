"""What an order tells of its coupon, of the money that paid it, and one that costs nothing."""

from __future__ import annotations

import pytest

from tests.http.callers import user_token
from tests.http.shop import Sale, Shop, eventually

WISH = {"email": "mai@example.vn", "productType": "pro", "gateway": "sepay"}


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def coupon(shop: Shop, code: str, percent: int, **terms: object) -> None:
    wish = {"code": code, "type": "percent", "percent": percent, **terms}
    assert shop.post("/api/coupons", json=wish).status == 201


def buy(shop: Shop, *, token: str | None = None, **wish: object) -> dict:
    answer = shop.post("/api/orders", json={**WISH, **wish}, token=token)
    assert answer.status == 201, answer.text
    return answer.data


def completed(shop: Shop, order: dict, **words: object) -> dict:
    path = f"/api/orders/{order['id']}"
    return eventually(
        lambda: shop.get(path, **words).data, lambda seen: seen["status"] == "completed"
    )


def paid(shop: Shop, order: dict, act: str = "pay") -> dict:
    Sale(shop, order["paymentId"], order["clientToken"]).act(act)
    return completed(shop, order)


def event(shop: Shop, kind: str, subject: str) -> dict:
    found = shop.get("/api/events?limit=200").data
    return next(one for one in found if (one["type"], one["subject"]) == (kind, subject))["data"]


def test_an_order_says_which_coupon_it_used(shop):
    coupon(shop, "SPRING", 10)
    order = buy(shop, couponCode=" spring ")
    plain = buy(shop)

    done = paid(shop, order)

    assert (order["couponCode"], done["couponCode"], plain["couponCode"]) == (
        "SPRING", "SPRING", None,
    )  # fmt: skip
    listed = {one["id"]: one["couponCode"] for one in shop.get("/api/orders").data}
    assert (listed[order["id"]], listed[plain["id"]]) == ("SPRING", None)
    assert event(shop, "order.completed", order["id"])["couponCode"] == "SPRING"


def test_the_shop_sees_which_transfer_paid_an_order_when_and_with_which_memo(shop):
    order = buy(shop)
    assert shop.get(f"/api/orders/{order['id']}").data["transactions"] == []

    done = paid(shop, order, "mangle_memo")

    (money,) = done["transactions"]
    assert (money["gateway"], money["amount"], money["currency"]) == ("sepay", 2_390_000, "VND")
    assert (money["matchMethod"], bool(money["transactionId"])) == ("memo", True)
    memo = order["checkout"]["transferContent"]
    assert memo.casefold() in money["memo"].casefold().replace(" ", "").replace("-", "")
    assert money["paidAt"].endswith("Z")
    payment = shop.get(f"/api/payments/{order['paymentId']}").data
    assert payment["transactions"] == [money]
    listed = shop.get("/api/admin/orders").json["orders"]
    assert next(one["transactions"] for one in listed if one["id"] == order["id"]) == [money]
    for kind, subject in (("order.completed", order["id"]), ("payment.paid", order["paymentId"])):
        assert event(shop, kind, subject)["transactions"] == [money]


def test_money_is_said_to_be_matched_by_reference_or_by_a_person(shop):
    by_reference = buy(shop, gateway="polar")
    by_hand = buy(shop)

    paid(shop, by_reference)
    words = {"reason": "Cash at the desk.", "amount": 2_390_000, "bankReference": "CASH-1"}
    assert shop.post(f"/api/payments/{by_hand['paymentId']}/mark-paid", json=words).status == 200

    methods = [completed(shop, one)["transactions"][0]["matchMethod"]
               for one in (by_reference, by_hand)]  # fmt: skip
    assert methods == ["reference", "person"]


def test_who_has_no_key_sees_no_transfer(shop):
    mine = user_token(shop, "mai")
    order = buy(shop, token=mine)
    paid(shop, order)

    answers = [
        shop.get(f"/api/orders/{order['id']}", token=order["clientToken"]),
        shop.get(f"/api/payments/{order['paymentId']}", token=order["clientToken"]),
        shop.get("/api/orders", token=mine),
    ]

    assert [one.status for one in answers] == [200, 200, 200]
    assert not any("transactionId" in one.text for one in answers)


def test_an_order_at_100_percent_off_is_completed_at_once_and_asks_no_gateway(shop):
    coupon(shop, "GIFT", 100, maxRedemptions=1)
    wish = {**WISH, "couponCode": "gift", "quantity": 2}
    key = {"idempotency-key": "free-1"}

    first = shop.post("/api/orders", json=wish, headers=key, token=None)
    again = shop.post("/api/orders", json=wish, headers=key, token=None)

    assert (first.status, first.data["status"], first.data["amount"]) == (201, "completed", 0)
    assert (first.data["checkout"], first.data["discountRate"]) == (None, 100)
    # Whoever has no key is told the token once.
    assert again.data == {**first.data, "clientToken": None}
    assert again.headers["idempotent-replayed"] == "true"
    order = first.data
    mine = shop.get(f"/api/orders/{order['id']}", token=order["clientToken"]).data
    assert (mine["licence"]["seats"], mine["couponCode"]) == (2, "GIFT")
    payment = shop.get(f"/api/payments/{order['paymentId']}").data
    assert (payment["phase"], payment["amountState"], payment["received"], payment["gateway"]) == (
        "paid", "exact", 0, None,
    )  # fmt: skip
    for table in ("attempts", "receipts", "transfers"):
        where = f"payment_id = '{order['paymentId']}'"
        assert shop.rows(f"SELECT count(*) FROM {table} WHERE {where}") == [(0,)]
    told = shop.rows(f"SELECT type FROM outbox WHERE payment_id = '{order['paymentId']}'")
    assert sorted(told) == [("order.completed",), ("payment.paid",)]
    reasons = shop.get(f"/api/payments/{order['paymentId']}/why").data["reasons"]
    (reason,) = reasons
    assert "Nothing is to be paid, so it is paid as it is opened." in reason["sentence"]
    used_up = shop.post("/api/orders", json=wish, token=None)
    assert (used_up.status, used_up.json["code"]) == (409, "coupon_used_up")
    assert shop.get("/api/coupons/GIFT").data["redeemed"] == 1


def test_a_free_order_counts_as_an_order_and_not_as_revenue(shop):
    coupon(shop, "PRESS", 100)
    before = shop.get("/api/admin/revenue").json

    order = buy(shop, couponCode="PRESS", gateway="polar")
    shop.advance(3 * 86_400)

    after = shop.get("/api/admin/revenue").json
    assert after["orderCount"] == before["orderCount"] + 1
    assert after["totalUsdCents"] == before["totalUsdCents"]
    nothing = shop.post(f"/api/orders/{order['id']}/refunds", json={"reason": "Back."})
    assert nothing.status == 409
    assert completed(shop, order)["licence"]["key"]
    unknown = {**WISH, "couponCode": "PRESS", "gateway": "nowhere", "currency": "VND"}
    assert shop.post("/api/orders", json=unknown, token=None).status in {400, 404, 409, 422}


def test_an_old_reader_multiplies_by_the_commission_rate_and_is_not_off_by_a_hundred(shop):
    wish = {"email": "r@example.com", "code": "RATE"}
    referrer = shop.post("/api/referrers", json=wish).data
    order = buy(shop, referralCode="RATE", gateway="polar")
    paid(shop, order)
    (row,) = shop.get(f"/api/admin/commissions?orderId={order['id']}").data

    assert (row["commissionRate"], row["commissionPercent"]) == (0.2, 20)
    assert row["orderAmount"] * row["commissionRate"] == row["commissionAmount"]
    assert (referrer["commissionRate"], referrer["commissionPercent"]) == (0.2, 20)
    assert (row["approvedAt"], row["paidAt"], row["cancelledAt"]) == (None, None, None)

    path = f"/api/admin/commissions/{row['id']}"
    approved = shop.post(f"{path}/approve").data
    shop.advance(60)
    done = shop.post(f"{path}/pay").data

    assert approved["approvedAt"] == approved["updatedAt"]
    assert done["approvedAt"] == approved["approvedAt"] < done["paidAt"]


def test_what_a_free_order_gave_is_taken_back_by_a_person_with_a_reason(shop):
    coupon(shop, "LEAKED", 100, maxRedemptions=2)
    order = buy(shop, couponCode="LEAKED")
    before = shop.get("/api/admin/revenue").json
    key = completed(shop, order, token=order["clientToken"])["licence"]["key"]
    refused = shop.post(f"/api/orders/{order['id']}/refunds", json={})
    assert "/revoke" in refused.json["detail"]

    path, why = f"/api/orders/{order['id']}/revoke", {"reason": "The code was leaked."}
    first, again = (shop.post(path, json=why) for _ in range(2))

    assert (first.status, first.data["status"]) == (200, "refunded")
    assert again.data == first.data
    licence = shop.post("/api/licences/check", json={"key": key}, token=None).data
    assert (licence["valid"], licence["revokedAt"] is not None) == (False, True)
    told = shop.rows(f"SELECT type FROM outbox WHERE payment_id = '{order['paymentId']}'")
    assert sorted(told).count(("order.refunded",)) == 1
    logged = shop.rows(f"SELECT action, reason FROM decisions WHERE subject = '{order['id']}'")
    assert logged == [("revoked", "The code was leaked.")]
    coupons = shop.get("/api/coupons/LEAKED").data
    assert (coupons["redeemed"], coupons["remaining"]) == (1, 1)
    after = shop.get("/api/admin/revenue").json
    assert (after["totalUsdCents"], after["refundedUsdCents"]) == (
        before["totalUsdCents"], before["refundedUsdCents"],
    )  # fmt: skip


def test_who_referred_the_buyer_of_what_was_taken_back_earns_nothing(shop):
    wish = {"email": "an@example.vn", "code": "AN-GIFTS"}
    referrer = shop.post("/api/referrers", json=wish).data
    coupon(shop, "GIFTED", 100)
    order = buy(shop, couponCode="GIFTED", referralCode="AN-GIFTS")

    revoked = shop.post(f"/api/orders/{order['id']}/revoke", json={"reason": "Given by mistake."})

    assert revoked.data["status"] == "refunded", revoked.text
    earned = shop.get(f"/api/admin/commissions?orderId={order['id']}").data
    assert {one["status"] for one in earned} <= {"canceled", "cancelled"}
    assert shop.get(f"/api/referrers/{referrer['id']}").status == 200


def test_an_order_that_was_paid_is_taken_back_by_a_refund_only(shop):
    order = buy(shop)
    paid(shop, order)
    why = {"reason": "They asked."}

    refused = shop.post(f"/api/orders/{order['id']}/revoke", json=why)
    unknown = shop.post("/api/orders/ord_00000000000000000000000000/revoke", json=why)
    nobody = shop.post(f"/api/orders/{order['id']}/revoke", json=why, token=order["clientToken"])
    silent = shop.post(f"/api/orders/{order['id']}/revoke", json={})

    answers = [refused, unknown, nobody, silent]
    assert [one.status for one in answers] == [409, 404, 401, 400]
    assert "refund" in refused.json["detail"]
    assert completed(shop, order)["licence"]
