"""What payOS's Python SDK sends for a link, a question, a cancel and the webhook's address."""

from payos import PayOS
from payos.types import CreatePaymentLinkRequest

from tests.sdks.walks.walker import GIVEN, KEYS, unheard

keys, wish = KEYS["payos"], GIVEN["wish"]
client = PayOS(
    keys["client_id"],
    keys["api_key"],
    keys["checksum_key"],
    base_url=f"{GIVEN['address']}/",
    max_retries=0,
)
unheard(lambda: client.payment_requests.create(CreatePaymentLinkRequest(**wish)))
unheard(lambda: client.payment_requests.get(wish["order_code"]))
unheard(lambda: client.payment_requests.cancel(wish["order_code"], GIVEN["reason"]))
unheard(lambda: client.webhooks.confirm(GIVEN["webhook_url"]))
