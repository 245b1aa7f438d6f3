"""A merchant with Polar's Python SDK 0.x: checkouts, orders, refunds, disputes, discounts, notices.

Its models refuse an answer that lacks a required field.
"""

from typing import Any

from polar_sdk import Polar
from polar_sdk.models import HTTPValidationError, PolarError, ResourceNotFound
from polar_sdk.webhooks import WebhookVerificationError, validate_event

from tests.sdks.walks.walker import KEYS, URL, act, deliver, heard, refused

keys, product = KEYS["polar"], KEYS["polar"]["product_id"]
client = Polar(access_token=keys["access_token"], server_url=f"{URL}/_sim/polar")


def notices(about: str) -> list[Any]:
    """What the SDK makes of all that was heard about a checkout, an order or a refund."""
    return [
        validate_event(one["body"], one["headers"], keys["webhook_secret"])
        for one in heard("polar", about)
    ]


def listed(answer: Any) -> list[Any]:
    """The rows of a list's first page."""
    rows: list[Any] = answer.result.items
    return rows


[item] = listed(client.products.list())
assert client.products.get(id=product).name == item.name
plain = client.checkouts.create(request={"products": [product]})
assert (plain.status, plain.total_amount, plain.currency) == ("open", 1_000, "usd")
checkout = client.checkouts.create(request={
    "products": [product],
    "prices": {product: [{
        "amount_type": "fixed", "price_amount": 50_000, "price_currency": "vnd",
    }]},
    "metadata": {"order": "sdk-0"},
    "success_url": "https://shop.example/thanks",
    "customer_email": "payer@example.com",
})  # fmt: skip
assert (checkout.total_amount, checkout.currency) == (50_000, "vnd")
assert checkout.metadata == {"order": "sdk-0"}
assert client.checkouts.get(id=checkout.id).id == checkout.id
assert {plain.id, checkout.id} <= {one.id for one in listed(client.checkouts.list(limit=100))}
refused(lambda: client.checkouts.get(id="8d2a4c1e-0000-4f2a-9c77-000000000000"), ResourceNotFound)
refused(lambda: client.checkouts.create(request={"products": ["x"]}), HTTPValidationError)

act("polar", checkout.id, "pay")
assert client.checkouts.get(id=checkout.id).status == "succeeded"
[order] = listed(client.orders.list(checkout_id=checkout.id))
assert (order.status, order.paid, order.total_amount) == ("paid", True, 50_000)
assert client.orders.get(id=order.id).customer.email == "payer@example.com"
told = notices(checkout.id)
assert {one.TYPE for one in told} >= {"checkout.updated", "order.created", "order.paid"}
assert {one.TYPE for one in notices(order.customer_id)} >= {"customer.state_changed"}
lie = heard("polar", checkout.id)[0]
refused(
    lambda: validate_event(lie["body"] + " ", lie["headers"], keys["webhook_secret"]),
    WebhookVerificationError,
)

part = client.refunds.create(
    request={"order_id": order.id, "reason": "customer_request", "amount": 10_000}
)
assert part
assert (part.status, part.amount) == ("succeeded", 10_000)
assert client.orders.get(id=order.id).status == "partially_refunded"
too_much = {"order_id": order.id, "reason": "other", "amount": 99_999}
refused(lambda: client.refunds.create(request=too_much), HTTPValidationError, PolarError)
assert [one.id for one in listed(client.refunds.list(order_id=order.id))] == [part.id]
deliver()
assert {one.TYPE for one in notices(part.id)} == {"refund.created"}

act("polar", checkout.id, "chargeback_lost")
[dispute] = listed(client.disputes.list(order_id=order.id))
assert dispute.status == "lost"

percent = client.discounts.create(request={
    "type": "percentage", "basis_points": 2_000, "duration": "once", "name": "Autumn",
    "max_redemptions": 5,
})  # fmt: skip
fixed = client.discounts.create(request={
    "type": "fixed", "amount": 300, "currency": "usd", "duration": "forever", "name": "Three off",
})  # fmt: skip
assert (percent.basis_points, fixed.amount) == (2_000, 300)
cheaper = client.checkouts.create(request={"products": [product], "discount_id": fixed.id})
assert (cheaper.discount_amount, cheaper.total_amount) == (300, 700)
changed = client.discounts.update(id=percent.id, discount_update={"max_redemptions": 1})
assert (changed.max_redemptions, changed.redemptions_count) == (1, 0)
client.discounts.delete(id=percent.id)
refused(lambda: client.discounts.get(id=percent.id), ResourceNotFound)

[endpoint] = listed(client.webhooks.list_webhook_endpoints())
assert endpoint.enabled
