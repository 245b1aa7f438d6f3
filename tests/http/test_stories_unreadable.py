"""Stories of notices that nobody here can read: kept, thanked for, shown, asked about, retried."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

import pytest

from tallystick.domain.standard_webhooks import signature
from tallystick.gateways.govpay import callers
from tallystick.gateways.sepay import notice_signature
from tests.http.callers import key_of
from tests.http.shop import Sale, Shop, eventually
from tests.http.test_dashboard import enter
from tests.infra.live import Answer


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def from_polar(shop: Shop, kind: str, data: dict[str, Any], number: str) -> Answer:
    """Polar tells of an event, rightly signed."""
    body = json.dumps({"type": kind, "timestamp": shop.now().isoformat(), "data": data}).encode()
    stamp = str(int(shop.now().timestamp()))
    key = shop.gateway_keys("polar")["webhook_secret"].encode()
    headers = {"webhook-id": number, "webhook-timestamp": stamp,
               "webhook-signature": signature(key, number, stamp, body)}  # fmt: skip
    return shop.post("/api/webhooks/polar", raw=body, headers=headers, token=None)


def from_sepay(shop: Shop, **told: Any) -> Answer:
    """SePay tells of a transfer, rightly signed; `told` is what is other than usual."""
    notice = {
        "id": 7, "gateway": "MBBank", "transactionDate": "2026-11-20 09:15:07",
        "accountNumber": "0123456789", "code": None, "content": "chuyen tien", "transferType": "in",
        "transferAmount": 50_000, "referenceCode": "FT26325000007", "description": "", **told,
    }  # fmt: skip
    body, stamp = json.dumps(notice).encode(), str(int(shop.now().timestamp()))
    secret = shop.gateway_keys("sepay")["webhook_secret"]
    headers = {"x-sepay-timestamp": stamp,
               "x-sepay-signature": notice_signature(stamp, body, secret)}  # fmt: skip
    return shop.post("/api/webhooks/sepay", raw=body, headers=headers, token=None)


def from_govpay(shop: Shop, reference: str, **told: str) -> Answer:
    """GovPay+ tells what became of a payment, with its token and its key."""
    keys = shop.gateway_keys("govpay")
    values = {"refNo": reference, "amount": "1500.00", "currency": "LKR", "status": "SUCCESS",
              **told}  # fmt: skip
    body = {
        "transactionID": "000000000000000042", "subinstId": keys["subinst_id"],
        "serviceid": keys["service_id"], "serviceName": "Fee",
        "data": [{"seq": str(n), "paramName": name, "value": value}
                 for n, (name, value) in enumerate(values.items(), 1)],
    }  # fmt: skip
    token = callers.issue(keys["client_id"], keys["client_secret"], shop.now())
    headers = {"authorization": f"Bearer {token}", "transactionkey": keys["transaction_key"]}
    return shop.post("/api/webhooks/govpay", json=body, headers=headers, token=None)


def notices(shop: Shop, query: str = "", **words: Any) -> list[dict[str, Any]]:
    """The list, newest first."""
    answer = shop.get(f"/api/notices?limit=200{query}", **words)
    assert answer.status == 200, answer.text
    rows: list[dict[str, Any]] = answer.json["data"]
    return rows


def newest_unreadable(shop: Shop, gateway: str) -> dict[str, Any]:
    """The latest notice of a gateway that nobody could read."""
    return notices(shop, f"&state=unreadable&gateway={gateway}")[0]


def reference(sale: Sale) -> str:
    """What the hub calls its offer at the gateway."""
    where = f"payment_id = '{sale.id}'"
    return str(sale.shop.rows(f"SELECT our_ref FROM attempts WHERE {where}")[0][0])


def test_a_paid_order_at_polar_whose_notice_has_no_status_is_paid_because_we_ask(shop):
    sale = shop.payment(gateway="polar")
    sale.act("lose_webhook")
    order = {"id": "ord-x", "metadata": {"tallystick_ref": reference(sale)}, "total_amount": 50_000}

    answer = from_polar(shop, "order.paid", order, f"evt-{sale.id}")

    sale.becomes("paid", received=50_000)
    row = newest_unreadable(shop, "polar")
    assert (answer.status, answer.json) == (200, {"received": True})
    assert row["references"] == [reference(sale)]
    assert "status" in row["problem"]
    assert sale.counted("receipts") == 1


def test_a_transfer_whose_number_is_a_text_is_kept_and_asked_about(shop):
    sale = shop.payment(gateway="sepay", amount=51_000)
    code = reference(sale)
    sale.act("lose_webhook")

    answer = from_sepay(shop, id="7", content=f"MBVCB.1 {code[:4]} {code[4:]} CT", seen=sale.id)

    sale.becomes("paid", received=51_000)
    row = newest_unreadable(shop, "sepay")
    assert (answer.status, answer.json) == (200, {"success": True})
    assert row["references"] == [code]


@pytest.mark.parametrize(
    "told", [{"amount": "1,500.00"}, {"status": "SETTLED"}, {"currency": "Rs"}], ids=str
)
def test_a_bill_paid_in_words_that_we_do_not_know_is_kept_and_thanked_for(shop, told):
    sale = shop.payment(gateway="govpay", amount=150_000, currency="LKR")

    answer = from_govpay(shop, reference(sale), **told)

    row = newest_unreadable(shop, "govpay")
    assert (answer.status, answer.json) == (200, {"status": "accepted"})
    assert row["references"] == [reference(sale)]
    assert row["nextTryAt"] is None
    # There is nobody to ask, and what nobody can read counts for nothing.
    assert sale.show()["received"] == 0


def test_an_unreadable_notice_that_comes_ten_times_is_one_row(shop):
    before = len(notices(shop, "&gateway=sepay"))

    statuses = [from_sepay(shop, id="ten times").status for _ in range(10)]

    assert statuses == [200] * 10
    assert len(notices(shop, "&gateway=sepay")) == before + 1


def test_an_event_about_nothing_of_ours_is_done_at_once_and_waits_for_nobody(shop):
    waiting = eventually(lambda: shop.metric("tallystick_inbox_waiting"), lambda seen: seen == 0)

    changed = from_polar(shop, "customer.state_changed", {"id": "c-1"}, "evt-state-1")
    out = from_sepay(shop, id=4711, transferType="out")

    assert (changed.status, out.status) == (200, 200)
    assert [row["state"] for row in notices(shop)[:2]] == ["handled", "handled"]
    assert notices(shop)[0]["paymentId"] is None
    assert shop.metric("tallystick_inbox_waiting") == waiting


def test_a_notice_that_cannot_be_read_raises_its_own_figure_and_not_the_waiting_ones(shop):
    name = 'tallystick_inbox_troubled{state="unreadable"}'
    waiting = eventually(lambda: shop.metric("tallystick_inbox_waiting"), lambda seen: seen == 0)
    before = shop.metric(name)

    from_sepay(shop, id="a figure of its own")

    assert shop.metric(name) == before + 1
    assert shop.metric("tallystick_inbox_waiting") == waiting


def test_the_dashboard_shows_what_nobody_could_read(shop):
    from_sepay(shop, id="for the dashboard")
    row = newest_unreadable(shop, "sepay")

    page = shop.get("/dashboard", token=None, headers=enter(shop, "reader"))

    assert "Notices that cannot be read" in page.text
    assert row["id"][-6:] in page.text


def test_only_an_admin_sees_the_bytes_as_they_came(shop):
    from_sepay(shop, id="secret", content="Nguyễn Văn A")
    path = f"/api/notices/{newest_unreadable(shop, 'sepay')['id']}"

    by_admin = shop.get(path).data
    by_reader = shop.get(path, token=key_of(shop, "reader")).data
    by_operator = shop.get(path, token=key_of(shop, "operator")).data

    body = json.loads(by_admin["raw"]["body"])
    assert body["content"] == "Nguyễn Văn A"
    assert by_admin["digest"] == hashlib.sha256(by_admin["raw"]["body"].encode()).hexdigest()
    assert (by_reader["raw"], by_operator["raw"]) == (None, None)
    assert by_reader["rawKept"]
    assert "signature" not in json.dumps(by_admin["raw"]["headers"])


def test_the_bytes_are_sealed_in_the_database(shop):
    from_sepay(shop, id="sealed", content="Trần Thị Bình ở Huế")
    of = newest_unreadable(shop, "sepay")["id"]

    [(content, sealed)] = shop.rows(f"SELECT content, sealed FROM raw_bytes WHERE subject = '{of}'")

    assert sealed == 1
    assert "Trần".encode() not in bytes(content)


def test_a_handled_notice_is_listed_with_its_payment_and_has_nothing_to_retry(shop):
    sale = shop.payment()
    sale.act("pay")
    sale.becomes("paid")

    [row] = eventually(lambda: notices(shop, f"&payment={sale.id}"), bool)
    again = shop.post(f"/api/notices/{row['id']}/retry")

    assert (row["state"], row["gateway"]) == ("handled", "payos")
    assert row["transactions"][0]["amount"] == 50_000
    assert (again.status, again.json["code"]) == (409, "conflict")


def test_retrying_what_still_cannot_be_read_asks_again(shop):
    sale = shop.payment(gateway="sepay", amount=52_000)
    from_sepay(shop, id="retried", content=f"tien {reference(sale)}")
    row = newest_unreadable(shop, "sepay")
    sale.act("lose_webhook")

    again = shop.post(f"/api/notices/{row['id']}/retry", token=key_of(shop, "operator"))

    assert (again.status, again.data["state"]) == (200, "unreadable")
    sale.becomes("paid", received=52_000)


def test_notices_are_paged_and_filtered_by_time(shop):
    before = shop.now()
    for number in range(3):
        from_sepay(shop, id=f"page {number}")
    since = quote(before.isoformat())

    first = shop.get(f"/api/notices?limit=2&createdAfter={since}").json
    cursor = first["pagination"]["nextCursor"]
    second = shop.get(f"/api/notices?limit=2&createdAfter={since}&cursor={cursor}").json
    none = notices(shop, f"&createdBefore={since}&createdAfter={since}")

    ids = [row["id"] for row in first["data"] + second["data"]]
    assert len(ids) == len(set(ids)) == 3
    assert ids == sorted(ids, reverse=True)
    assert (second["pagination"]["hasMore"], none) == (False, [])


@pytest.mark.parametrize(
    "query", ["state=lost", "gatway=sepay", "state=handled&state=orphan", "createdAfter=soon"]
)
def test_a_filter_of_notices_is_never_ignored(shop, query):
    assert shop.get(f"/api/notices?{query}").status == 400


def test_notices_are_nobodys_business_without_a_key(shop):
    nobody = "/api/notices/ntc_00000000000000000000000000"

    assert shop.get("/api/notices", token=None).status == 401
    assert shop.get(nobody).status == 404
    assert shop.post(f"{nobody}/retry", token=key_of(shop, "reader")).status == 403


def test_a_forged_notice_in_an_odd_form_is_refused_and_writes_nothing(shop):
    kept = len(notices(shop))
    body, stamp = b'{"id":"7"}', str(int(shop.now().timestamp()))
    forged = "sha256=" + hmac.new(b"guess", body, hashlib.sha256).hexdigest()

    answer = shop.post(
        "/api/webhooks/sepay", raw=body, token=None,
        headers={"x-sepay-timestamp": stamp, "x-sepay-signature": forged},
    )  # fmt: skip

    assert answer.status == 401
    assert len(notices(shop)) == kept
