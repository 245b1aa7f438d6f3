"""A merchant with the Python SDK for SePay's older user API: transfers and accounts."""

from sepay import SePay
from sepay.base import BaseRequest

from tests.sdks.walks.walker import GIVEN, KEYS, URL, act, heard, refused

keys = KEYS["sepay"]
BaseRequest.BASE_URL = f"{URL}/_sim/sepay/userapi/"
client = SePay(keys["api_token"])

act("sepay", GIVEN["memo"], "pay", page=GIVEN["page"])
act("sepay", GIVEN["memo"], "strangers", times=5)

everything = client.transaction.get_transactions()
[paid] = [one for one in everything if GIVEN["memo"] in one.transaction_content]
assert (paid.amount_in, paid.amount_out) == ("50000.00", "0.00")
assert paid.account_number == keys["account_number"]
assert client.transaction.get_transaction(paid.id) == paid
assert client.transaction.get_transactions({"reference_number": paid.reference_number}) == [paid]
assert paid in client.transaction.get_transactions({"amount_in": "50000"})
assert len(client.transaction.get_transactions({"limit": "2"})) == 2
assert client.transaction.get_count() == len(everything)
assert client.transaction.get_transactions({"account_number": "1"}) == []

# The older API and the notices name a transfer by the same number.
[notice] = heard("sepay", paid.reference_number)
assert f'"id":{paid.id},' in notice["body"]

[account] = client.bank_account.get_bank_accounts()
assert (account.account_number, account.active) == (keys["account_number"], True)
assert client.bank_account.get_bank_account(account.id) == account
assert client.bank_account.get_count() == 1

# A wrong token: 200 and nothing, which this SDK cannot read.
refused(SePay("wrong").transaction.get_transactions, ValueError)
refused(lambda: client.transaction.get_transaction("0"), BaseRequest.RequestException)
