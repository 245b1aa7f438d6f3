"""A merchant with payOS's Python SDK 1.x: links, a payment, a cancel, notices, the webhook."""

import json

from payos import PayOS
from payos._core.exceptions import APIError, WebhookError
from payos.types import CreatePaymentLinkRequest, ItemData

from tests.sdks.walks.walker import KEYS, URL, act, heard, refused

keys = KEYS["payos"]
client = PayOS(
    keys["client_id"], keys["api_key"], keys["checksum_key"], base_url=f"{URL}/_sim/payos/"
)
wish = CreatePaymentLinkRequest(
    order_code=7_001,
    amount=50_000,
    description="HB7K2M9QX",
    cancel_url="https://shop.example/back",
    return_url="https://shop.example/thanks?lang=vi",
    items=[ItemData(name="Cà phê", quantity=2, price=25_000)],
    buyer_name="Nguyễn Văn A",
)

made = client.payment_requests.create(wish)
assert (made.order_code, made.amount, made.status) == (7_001, 50_000, "PENDING")
assert "đã tồn tại" in refused(lambda: client.payment_requests.create(wish), APIError)

open_ = client.payment_requests.get(7_001)
assert (open_.amount_paid, open_.amount_remaining, open_.transactions) == (0, 50_000, [])

act("payos", "7001", "underpay", amount=20_000)
act("payos", "7001", "pay")
paid = client.payment_requests.get(made.payment_link_id)
assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("PAID", 50_000, 0)
assert [one.amount for one in paid.transactions] == [20_000, 30_000]
assert client.payment_requests.invoices.get(7_001).invoices == []

notices = heard("payos", made.payment_link_id)
told = [client.webhooks.verify(one["body"]) for one in notices]
assert [one.amount for one in told] == [20_000, 30_000]
assert {one.reference for one in told} == {one.reference for one in paid.transactions}
forged = json.loads(notices[0]["body"])
forged["data"]["amount"] = 1
refused(lambda: client.webhooks.verify(forged), WebhookError)

client.payment_requests.create(wish.model_copy(update={"order_code": 7_002}))
gone = client.payment_requests.cancel(7_002, "Khách đổi ý")
assert (gone.status, gone.cancellation_reason) == ("CANCELLED", "Khách đổi ý")
assert gone.canceled_at

confirmed = client.webhooks.confirm(f"{URL}/webhooks/payos")
assert confirmed.webhook_url == f"{URL}/webhooks/payos"
ping = heard("payos", "TF230204212323")[0]
assert client.webhooks.verify(ping["body"]).order_code == 123
refused(lambda: client.webhooks.confirm(f"{URL}/nobody-is-here"), WebhookError)
