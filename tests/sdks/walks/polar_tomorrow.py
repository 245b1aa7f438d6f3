"""What no published list has comes only where it is asked for; Polar's SDK 1.x stumbles over it."""

from polar import PolarDeserializationError
from polar.v2026_04 import Polar
from polar.v2026_04.webhooks import PolarWebhookError, validate_event

from tests.sdks.walks.walker import KEYS, URL, act, heard, refused

keys = KEYS["polar"]
client = Polar(keys["access_token"], base_url=f"{URL}/_sim/polar")

usual, tomorrow = (client.checkouts.create(products=[keys["product_id"]]) for _ in range(2))
act("polar", usual.id, "pay")
act("polar", tomorrow.id, "unknown_value")

assert client.checkouts.get(usual.id).payment_processor == "stripe"
refused(lambda: client.checkouts.get(tomorrow.id), PolarDeserializationError)
refused(lambda: client.orders.list(checkout_id=tomorrow.id), PolarDeserializationError)
for one in heard("polar", usual.id):
    validate_event(one["body"], one["headers"], keys["webhook_secret"])
first = heard("polar", tomorrow.id)[0]
refused(
    lambda: validate_event(first["body"], first["headers"], keys["webhook_secret"]),
    PolarWebhookError,
)
