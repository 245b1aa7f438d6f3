"""How PyPI's SDK for SePay's hosted checkout signs a form that is given to it."""

from sepay_pg import SePayClient

from tests.sdks.walks.walker import GIVEN, KEYS, tell

keys = KEYS["sepay_pg"]
client = SePayClient(keys["merchant_id"], keys["secret_key"], env="sandbox")
tell(client.sign_fields(GIVEN["fields"]))
