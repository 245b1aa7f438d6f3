"""Whoever steals the database reads no e-mail address in it, and everybody else still does."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tests.events.receiver import Receiver, receiving
from tests.http.products import Task, Topup, Workflow
from tests.http.shop import Sale, Shop, eventually

CANARY = "canary"
NUMBERS = count()
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}


def stolen(shop: Shop) -> dict[str, bytes]:
    """Everything that a thief of the database has: its files, or all rows of all tables."""
    url = shop.server.database
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        paths = [file, file.with_name(file.name + "-wal")]
        return {path.name: path.read_bytes() for path in paths if path.exists()}
    names = [name for (name,) in shop.rows(TABLES["postgresql"])]
    return {name: str(shop.rows(f'SELECT * FROM "{name}"')).encode() for name in names}


def with_canaries(shop: Shop) -> list[str]:
    """Where an address can be read."""
    return [name for name, raw in stolen(shop).items() if CANARY.encode() in raw.lower()]


@pytest.fixture
def receiver(shop: Shop):
    """A merchant's system that wants everything and says again what it was told."""
    with receiving() as made:
        made.echoes = True
        wish = {"url": made.url, "events": ["*"]}
        found = shop.post("/api/webhook-endpoints", json=wish).data
        yield made
        assert shop.send("DELETE", f"/api/webhook-endpoints/{found['id']}").status == 204


def ordered(shop: Shop, email: str, **wish: str) -> dict:
    """A starter kit, ordered with a key and paid."""
    wished = {"email": email, "productType": "starter", "gateway": "sepay", "currency": "VND"}
    key = {"idempotency-key": f"order-{next(NUMBERS)}"}
    made = shop.post("/api/orders", json=wished | wish, headers=key)
    assert made.status == 201, made.text
    again = shop.post("/api/orders", json=wished | wish, headers=key)
    assert again.data["email"] == email
    shop.post("/_sim/act", json={"reference": made.data["id"], "act": "pay"})
    path = f"/api/orders/{made.data['id']}"
    return eventually(lambda: shop.get(path).data, lambda seen: seen["status"] == "completed")


def given(shop: Shop, email: str) -> dict:
    """A gift card, bought and paid."""
    wish = {"email": email, "amount": 50_000, "gateway": "sandbox"}
    made = shop.post("/api/gift-cards", json=wish).json
    payment = shop.rows(f"SELECT payment_id FROM gift_cards WHERE id = '{made['id']}'")[0][0]
    sale = Sale(shop, payment, made["clientToken"])
    sale.act("pay")
    sale.becomes("paid")
    return dict(made)


def walk(shop: Shop, receiver: Receiver) -> tuple[dict, dict]:
    """Somebody buys one of everything; the order and its referrer."""
    number = next(NUMBERS)
    referrer = shop.post("/api/referrers", json={
        "email": f"friend{number}.canary@example.com", "code": f"canary-{number}".upper()[-6:],
    })  # fmt: skip
    assert referrer.status == 201, referrer.text
    code = f"SAVE{number}"
    coupon = shop.post("/api/coupons", json={
        "code": code, "type": "percent", "percent": 10, "perCustomer": 1,
    })  # fmt: skip
    assert coupon.status == 201, coupon.text
    order = ordered(shop, f"Buyer{number}.Canary@gmail.com", couponCode=code,
                    referralCode=referrer.data["code"])  # fmt: skip
    given(shop, f"card{number}.canary@example.com")
    back = shop.post(f"/api/payments/{order['paymentId']}/refunds", json={"reason": "returned"})
    assert back.status in {201, 202}, back.text
    topup = Topup(shop, f"user-{number}")
    topup.act("pay")
    topup.confirmed()
    with Workflow.open() as workflow:
        task = Task(shop, workflow)
        task.start().act("pay")
        task.called_back()
    shop.chosen_link().act("pay")
    eventually(receiver.types, lambda told: {
        "order.completed", "giftcard.issued", "task.completed", "topup.confirmed",
    } <= set(told))  # fmt: skip
    return order, referrer.data


def test_no_address_can_be_read_in_the_database_after_a_walk_through_every_product(shop, receiver):
    order, referrer = walk(shop, receiver)

    assert with_canaries(shop) == []
    assert shop.get(f"/api/orders/{order['id']}").data["email"] == order["email"]
    assert shop.get(f"/api/referrers/{referrer['id']}").data["email"] == referrer["email"]
    shop.audit()


def test_an_event_of_an_order_tells_the_address_and_a_receiver_that_repeats_it_is_kept_without(
    shop, receiver
):
    order, _ = walk(shop, receiver)

    [told] = [one.event for one in receiver.accepted if one.event["data"].get("id") == order["id"]
              and one.type == "order.completed"]  # fmt: skip
    feed = shop.get("/api/events?type=order.completed&limit=100").data
    [read] = [one for one in feed if one["data"]["id"] == order["id"]]
    deliveries = eventually(
        lambda: shop.get(f"/api/events/{read['id']}").data["deliveries"],
        lambda seen: seen[0]["state"] == "delivered",
    )

    assert told["data"]["email"] == read["data"]["email"] == order["email"]
    assert "[address]" in deliveries[0]["response"]


def test_orders_are_found_by_the_address_however_its_letters_are_written(shop, receiver):
    order, _ = walk(shop, receiver)

    found = shop.get(f"/api/orders?email={order['email'].upper()}").data
    others = shop.get("/api/orders?email=nobody@example.com").data

    assert [one["id"] for one in found] == [order["id"]]
    assert others == []


def test_a_customer_of_a_coupon_is_known_again_and_a_referrer_has_an_address_alone(shop, receiver):
    order, referrer = walk(shop, receiver)
    code = shop.rows(f"SELECT c.code FROM coupons c JOIN coupon_uses u ON u.coupon_id = c.id "
                     f"WHERE u.order_id = '{order['id']}'")[0][0]  # fmt: skip
    name, host = order["email"].split("@")
    wish = {"productType": "starter", "gateway": "sepay", "currency": "VND", "couponCode": code}

    same = shop.post("/api/orders", json={**wish, "email": f"{name.lower()}+x@{host}"})
    other = shop.post("/api/orders", json={**wish, "email": f"other.{name}@{host}"})
    twice = shop.post("/api/referrers", json={"email": referrer["email"], "code": "ANOTHER"})
    own = shop.post("/api/orders", json={**wish, "email": referrer["email"],
                                         "referralCode": referrer["code"]})  # fmt: skip

    assert (same.status, same.json["code"]) == (409, "coupon_used_up")
    assert other.status == 201
    assert twice.status == 409
    assert own.status == 400
