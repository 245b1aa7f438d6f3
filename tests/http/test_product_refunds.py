"""Money of gift cards, top-ups and orders goes back, and takes back what it bought."""

from __future__ import annotations

from typing import Any

from tests.http.shop import Sale, Shop


def played(shop: Shop, payment_id: str) -> None:
    """The payer pays."""
    sale = Sale(shop, payment_id, "")
    sale.act("pay")
    sale.becomes("paid")


def refunded(shop: Shop, path: str, **wish: Any) -> Any:
    """What asking for a refund answers."""
    return shop.post(f"{path}/refunds", json=wish)


def gift_card(shop: Shop) -> tuple[str, str, str]:
    """A card of 50.000 ₫ that is paid at a gateway with refunds: its id, payment and code."""
    sold = shop.post("/api/gift-cards", json={
        "email": "lan@example.com", "amount": 50_000, "gateway": "sandbox",
    }).json  # fmt: skip
    played(shop, sold["paymentId"])
    asked = {"onePayOrderId": sold["onePayOrderId"]}
    told = shop.post("/checkGiftCardPayment", json=asked).json
    assert told["status"] == "PAID", told
    return sold["id"], sold["paymentId"], told["code"]


def test_of_a_gift_card_only_what_is_unspent_goes_back(shop):
    card_id, payment_id, code = gift_card(shop)
    spent = {"amount": 20_000, "reference": f"order-{card_id}"}
    assert shop.post(f"/api/gift-cards/{code}/redeem", json=spent).status == 200

    too_much = refunded(shop, f"/api/payments/{payment_id}", amount=40_000)
    rest = refunded(shop, f"/api/payments/{card_id}")

    assert (too_much.status, too_much.json["code"]) == (409, "refund_too_large")
    assert (rest.status, rest.data["amount"], rest.data["state"]) == (201, 30_000, "succeeded")
    assert shop.get(f"/api/gift-cards/{code}").data["balance"] == 0
    again = {"amount": 1_000, "reference": f"later-{card_id}"}
    assert shop.post(f"/api/gift-cards/{code}/redeem", json=again).status == 409
    shop.audit()


def test_of_a_top_up_only_what_is_still_in_the_wallet_goes_back(shop):
    wish = {"amount": 50_000, "ownerId": "spender", "gateway": "sandbox"}
    topup = shop.post("/api/topup/init", json=wish).data
    played(shop, topup["paymentId"])
    ride = {"amount": 20_000, "currency": "VND", "reference": f"ride-{topup['tx_ref']}"}
    assert shop.post("/api/wallets/spender/spend", json=ride).status == 201

    too_much = refunded(shop, f"/api/payments/{topup['paymentId']}", amount=50_000)
    rest = refunded(shop, f"/api/payments/{topup['paymentId']}")

    assert (too_much.status, too_much.json["code"]) == (409, "refund_too_large")
    assert (rest.status, rest.data["amount"]) == (201, 30_000)
    assert shop.get("/api/wallets/spender").data["balances"].get("VND", 0) == 0
    shop.audit()


def bought(shop: Shop, **wish: Any) -> dict[str, Any]:
    """An order that is paid at a gateway with refunds."""
    wished = {"email": "mai@example.com", "productType": "pro", "gateway": "sandbox",
              "currency": "VND", **wish}  # fmt: skip
    order = shop.post("/api/orders", json=wished).data
    played(shop, order["paymentId"])
    found = shop.get(f"/api/orders/{order['id']}", token=order["clientToken"]).data
    assert found["status"] == "completed"
    assert found["licence"]["key"]
    return {**order, "licence": found["licence"]}


def test_an_order_that_is_given_back_ends_its_licence(shop):
    order = bought(shop)

    back = refunded(shop, f"/api/orders/{order['id']}", reason="Changed their mind.")

    assert (back.status, back.data["amount"]) == (201, order["amount"])
    found = shop.get(f"/api/orders/{order['id']}", token=order["clientToken"]).data
    assert found["status"] == "refunded"
    assert found["licence"]["revokedAt"] is not None
    check = shop.post("/api/licences/check", json={"key": order["licence"]["key"]}, token=None)
    assert check.data["valid"] is False
    shop.audit()


def test_access_may_be_kept_when_a_part_goes_back(shop):
    order = bought(shop)

    back = refunded(shop, f"/api/orders/{order['id']}", amount=1_000, keepAccess=True)

    assert back.status == 201
    found = shop.get(f"/api/orders/{order['id']}", token=order["clientToken"]).data
    assert found["status"] == "partially_refunded"
    assert found["licence"]["revokedAt"] is None
    shop.audit()


def test_a_refund_takes_the_referrers_share_back_also_after_the_payout(shop):
    code = f"SHARE{len(shop.rows('SELECT id FROM referrers'))}"
    referrer = shop.post("/api/referrers", json={"email": "linh@example.com", "code": code}).data
    order = bought(shop, referralCode=code)
    mine = f"/api/admin/commissions?referrerId={referrer['id']}"
    commission = shop.get(mine).data[0]
    for step in ("approve", "pay"):
        answer = shop.post(f"/api/admin/commissions/{commission['id']}/{step}", json={})
        assert answer.status == 200, answer.text

    assert refunded(shop, f"/api/orders/{order['id']}").status == 201

    after = shop.get(mine).data[0]
    assert after["clawedBackAmount"] == commission["commissionAmount"]
    assert shop.get(f"/api/referrers/{referrer['id']}").data["balance"] < 0
    shop.audit()
