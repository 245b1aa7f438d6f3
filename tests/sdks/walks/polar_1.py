"""A merchant with Polar's Python SDK 1.x: checkouts, orders, refunds, disputes, discounts, notices.

The SDK refuses an answer that lacks a required field or has a value that its lists do not have.
"""

import importlib
from typing import Any

from polar import PolarClientError
from polar.webhooks import PolarWebhookVerificationError

from tests.sdks.walks.walker import GIVEN, KEYS, URL, act, deliver, heard, refused

keys, product = KEYS["polar"], KEYS["polar"]["product_id"]
api = importlib.import_module(f"polar.{GIVEN['version']}")
hooks = importlib.import_module(f"polar.{GIVEN['version']}.webhooks")
client = api.Polar(keys["access_token"], base_url=f"{URL}/_sim/polar")


def notices(about: str) -> list[Any]:
    """What the SDK makes of all that was heard about a checkout, an order or a refund."""
    return [
        hooks.validate_event(one["body"], one["headers"], keys["webhook_secret"])
        for one in heard("polar", about)
    ]


# A product, and a checkout at its own price.
[listed] = client.products.list().items
assert client.products.get(product) == listed
plain = client.checkouts.create(products=[product])
assert (plain.status, plain.amount, plain.currency) == ("open", 1_000, "usd")
assert (plain.net_amount, plain.tax_amount, plain.total_amount) == (909, 91, 1_000)

# A checkout with a price of ours, tax on top, and who pays.
own_price = {
    "amount_type": "fixed", "price_amount": 2_000, "price_currency": "usd",
    "tax_behavior": "exclusive",
}  # fmt: skip
checkout = client.checkouts.create(
    products=[product],
    prices={product: [own_price]},
    metadata={"order": f"sdk-{GIVEN['version']}"},
    success_url="https://shop.example/thanks?id={CHECKOUT_ID}",
    customer_email="payer@example.com",
    external_customer_id="c-1",
)
assert (checkout.net_amount, checkout.tax_amount, checkout.total_amount) == (2_000, 200, 2_200)
assert checkout.product_price.price_amount == 2_000
renamed = client.checkouts.update(checkout.id, customer_name="Nguyễn Văn A")
assert renamed.customer_name == "Nguyễn Văn A"
assert client.checkouts.get(checkout.id) == renamed
assert checkout.id in {one.id for one in client.checkouts.iter_list(limit=1)}
open_ids = {one.id for one in client.checkouts.list(status="open", limit=100).items}
assert {plain.id, checkout.id} <= open_ids
refused(lambda: client.checkouts.get("8d2a4c1e-0000-4f2a-9c77-000000000000"), PolarClientError)
refused(lambda: client.checkouts.create(products=["unknown"]), PolarClientError)

# The payer pays.
act("polar", checkout.id, "pay")
paid = client.checkouts.get(checkout.id)
assert paid.status == "succeeded"
[order] = client.orders.list(checkout_id=checkout.id).items
assert (order.status, order.paid, order.total_amount) == ("paid", True, 2_200)
assert order.customer.email == "payer@example.com"
assert order.customer.external_id == "c-1"
assert client.orders.get(order.id) == order
[found] = client.orders.list(metadata={"order": f"sdk-{GIVEN['version']}"}).items
assert found.id == order.id
told = notices(checkout.id)
assert {one.type for one in told} >= {"checkout.updated", "order.created", "order.paid"}
assert all(one.data.metadata == checkout.metadata for one in told if hasattr(one.data, "metadata")
           and one.type != "customer.state_changed")  # fmt: skip
[state] = [one for one in notices(order.customer_id) if one.type == "customer.state_changed"]
assert state.data.email == "payer@example.com"
lie = heard("polar", checkout.id)[0]
refused(
    lambda: hooks.validate_event(lie["body"] + " ", lie["headers"], keys["webhook_secret"]),
    PolarWebhookVerificationError,
)

# A part goes back, then the rest, then nothing more.
part = client.refunds.create(
    order_id=order.id, reason="customer_request", amount=500, metadata={"n": 1}
)
assert (part.status, part.amount, part.tax_amount) == ("succeeded", 500, 50)
assert client.orders.get(order.id).status == "partially_refunded"
rest = client.refunds.create(order_id=order.id, reason="duplicate", amount=1_500)
assert client.orders.get(order.id).status == "refunded"
assert {one.id for one in client.refunds.list(order_id=order.id).items} == {part.id, rest.id}
for amount in (1, 5_000):
    again = {"order_id": order.id, "reason": "other", "amount": amount}
    assert "RefundedAlready" in refused(
        lambda wish=again: client.refunds.create(**wish), PolarClientError
    )
deliver()
assert [one.data.amount for one in notices(part.id) if one.type == "refund.created"] == [500]
assert any(one.type == "order.refunded" for one in notices(order.id))

# A dispute of another order.
act("polar", plain.id, "pay")
[disputed] = client.orders.list(checkout_id=plain.id).items
too_much = {"order_id": disputed.id, "reason": "other", "amount": 5_000}
assert "refundable" in refused(lambda: client.refunds.create(**too_much), PolarClientError)
act("polar", plain.id, "chargeback")
[dispute] = client.disputes.list(order_id=disputed.id).items
assert (dispute.status, dispute.order_id) == ("needs_response", disputed.id)
assert client.disputes.get(dispute.id) == dispute

# Discounts of both kinds, and one that a payer uses.
percent = client.discounts.create(
    type="percentage",
    basis_points=1_000,
    duration="once",
    name="Spring",
    code="SPRING",
    max_redemptions=2,
)
fixed = client.discounts.create(
    type="fixed", amounts={"usd": 300}, duration="repeating", duration_in_months=3, name="Three off"
)  # fmt: skip
assert (percent.basis_points, fixed.amounts) == (1_000, {"usd": 300})
assert {percent.id, fixed.id} <= {one.id for one in client.discounts.list(limit=100).items}
cheaper = client.checkouts.create(products=[product], discount_id=percent.id)
assert (cheaper.discount_amount, cheaper.total_amount) == (100, 900)
assert cheaper.discount.name == "Spring"
act("polar", cheaper.id, "pay")
assert client.discounts.get(percent.id).redemptions_count == 1
[with_discount] = client.orders.list(checkout_id=cheaper.id).items
assert (with_discount.discount_amount, with_discount.discount.code) == (100, "SPRING")
assert client.discounts.update(percent.id, max_redemptions=1).max_redemptions == 1
used_up = {"products": [product], "discount_id": percent.id}
assert "discount" in refused(lambda: client.checkouts.create(**used_up), PolarClientError)
client.discounts.delete(fixed.id)
refused(lambda: client.discounts.get(fixed.id), PolarClientError)

# Where our notices go.
[endpoint] = client.webhooks.list_webhook_endpoints().items
assert client.webhooks.update_webhook_endpoint(endpoint.id, enabled=True).enabled
