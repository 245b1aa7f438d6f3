"""Payments as a merchant's server meets them: created, listed, read, checked, canceled, proven."""

from __future__ import annotations

import re
import threading
from datetime import datetime

import pytest

from tests.http.line import Line
from tests.http.shop import eventually

ID = r"[0-9A-HJKMNP-TV-Z]{26}"
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
FIELDS = {
    "id", "phase", "amountState", "late", "review", "amount", "currency", "received", "refunded",
    "gateway", "reference", "checkout", "ownerId", "metadata", "createdAt", "expiresAt", "paidAt",
    "asOf", "nextCheckAt", "version",
}  # fmt: skip
CHECKOUT = {
    "checkoutUrl", "qrCode", "bankName", "bankBin", "accountNumber", "accountName",
    "transferContent", "vaNumber", "instructions",
}  # fmt: skip
STATUS = {
    "id", "phase", "amountState", "late", "amount", "currency", "received", "refunded",
    "statusMessage", "advice", "asOf", "source", "nextCheckAt", "expiresAt", "version", "final",
}  # fmt: skip
WISH = {"amount": 50_000, "currency": "VND", "gateway": "payos"}


def test_a_created_payment_is_told_in_full_with_the_payers_token(shop):
    wish = {
        **WISH, "description": "Tea", "reference": "full-1", "ownerId": "user-1",
        "returnUrl": "https://shop.example/back", "cancelUrl": "https://shop.example/no",
        "expiresIn": 900, "metadata": {"cart": "7"}, "testMode": True,
    }  # fmt: skip

    answer = shop.post("/api/payments", json=wish)

    payment = answer.data
    assert answer.status == 201
    assert set(answer.json) == {"data", "clientToken"}
    assert re.fullmatch(r"tct_[\w-]{22,}", answer.json["clientToken"])
    assert payment.keys() >= FIELDS
    assert payment["checkout"].keys() == CHECKOUT
    assert {name: payment[name] for name in wish.keys() & FIELDS} == {
        name: wish[name] for name in wish.keys() & FIELDS
    }
    assert (payment["phase"], payment["amountState"]) == ("open", "none")
    assert (payment["received"], payment["refunded"]) == (0, 0)
    assert payment["checkout"]["qrCode"].startswith("000201")
    assert answer.headers["cache-control"] == "no-store"


def test_ids_and_times_have_their_forms(shop):
    payment = shop.post("/api/payments", json=WISH).data

    assert re.fullmatch(f"pay_{ID}", payment["id"])
    assert re.fullmatch(f"att_{ID}", payment["attempt"]["id"])
    assert re.fullmatch(INSTANT, payment["createdAt"])
    assert re.fullmatch(INSTANT, payment["expiresAt"])
    assert re.fullmatch(INSTANT, payment["nextCheckAt"])
    assert payment["paidAt"] is None


def test_an_offer_lasts_a_day_unless_the_merchant_says_otherwise(shop):
    day = shop.payment().show()
    minute = shop.payment(expiresIn=60).show()

    assert lasts_s(day) == 86_400
    assert lasts_s(minute) == 60


def test_a_reference_names_one_payment_only(shop):
    first = shop.payment(reference="order-9")

    answer = shop.post("/api/payments", json={**WISH, "reference": "order-9"})

    assert answer.status == 409
    assert answer.json["code"] == "reference_taken"
    assert first.id in answer.json["detail"]


def test_amounts_are_whole_minor_units_of_their_currency(shop):
    sale = shop.payment(gateway="sandbox", amount=1999, currency="USD")

    shown = sale.show()

    assert (shown["amount"], shown["currency"]) == (1999, "USD")
    assert type(shown["amount"]) is int


def test_the_list_is_read_page_by_page_and_has_everyone_once(shop):
    made = {shop.payment(gateway="sandbox", ownerId="pages").id for _ in range(5)}

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = shop.get(f"/api/payments?ownerId=pages&limit=2{cursor}").json
        seen += [one["id"] for one in page["data"]]
        following = page["pagination"]["nextCursor"]
        assert page["pagination"]["hasMore"] == (following is not None)
        assert page["pagination"]["limit"] == 2
        cursor = f"&cursor={following}" if following else None

    assert len(seen) == 5
    assert set(seen) == made
    assert seen == sorted(seen, reverse=True)


def test_a_payment_made_while_somebody_pages_does_not_shift_the_pages(shop):
    made = [shop.payment(gateway="sandbox", ownerId="shift").id for _ in range(3)]
    first = shop.get("/api/payments?ownerId=shift&limit=2").json

    shop.payment(gateway="sandbox", ownerId="shift")
    cursor = first["pagination"]["nextCursor"]
    second = shop.get(f"/api/payments?ownerId=shift&limit=2&cursor={cursor}").json

    assert [one["id"] for one in first["data"] + second["data"]] == made[::-1]


def test_the_list_is_filtered_by_each_field_alone_and_together(shop):
    sale = shop.payment(gateway="sandbox", ownerId="filter", reference="filter-1")
    shop.payment(gateway="payos", ownerId="filter")
    sale.act("pay")
    sale.becomes("paid")

    def found(query: str) -> list[str]:
        return [one["id"] for one in shop.get(f"/api/payments?{query}").data]

    assert found("reference=filter-1") == [sale.id]
    assert found("ownerId=filter&phase=paid") == [sale.id]
    assert found("ownerId=filter&gateway=sandbox&amountState=exact") == [sale.id]
    assert found("ownerId=filter&phase=paid&gateway=payos") == []
    assert len(found("ownerId=filter")) == 2


def test_the_list_is_filtered_by_the_time_of_creation(shop):
    earlier = shop.payment(gateway="sandbox", ownerId="time")
    shop.advance(10)
    later = shop.payment(gateway="sandbox", ownerId="time")
    moment = later.show()["createdAt"]

    before = shop.get(f"/api/payments?ownerId=time&createdBefore={moment}").data
    after = shop.get(f"/api/payments?ownerId=time&createdAfter={earlier.show()['createdAt']}").data

    assert [one["id"] for one in before] == [earlier.id]
    assert later.id in [one["id"] for one in after]


def test_the_status_tells_a_payer_everything_and_no_identity(shop):
    sale = shop.payment(ownerId="user-2", reference="status-1", metadata={"note": "secret"})

    answer = shop.get(f"/api/payments/{sale.id}/status", token=sale.token)

    assert answer.data.keys() == STATUS
    assert answer.data["final"] is False
    assert "user-2" not in answer.text
    assert answer.headers["etag"] == f'"v{answer.data["version"]}"'


def test_a_poll_that_waits_is_told_of_the_money_as_soon_as_it_has_come(shop):
    sale = shop.payment()
    path = f"/api/payments/{sale.id}/status"
    tag = shop.get(path, token=sale.token).headers["etag"]

    still = shop.get(path, token=sale.token, headers={"if-none-match": tag, "prefer": "wait=1"})
    answers = []
    wish = {"if-none-match": tag, "prefer": "respond-async, wait=30"}
    line = Line(lambda: shop.server.url)
    waiting = threading.Thread(
        target=lambda: answers.append(line.get(path, token=sale.token, headers=wish))
    )
    waiting.start()
    sale.act("pay")
    waiting.join()
    line.close()

    assert (still.status, still.headers["preference-applied"]) == (304, "wait=1")
    assert [answer.status for answer in answers] == [200]
    assert answers[0].data["version"] > 1
    assert answers[0].headers["etag"] != tag


@pytest.mark.parametrize("wish", ["wait", "wait=", "wait=-1", "wait=soon", "await=9", "wait=0"])
def test_a_wish_to_wait_that_says_no_seconds_is_answered_at_once(shop, wish):
    sale = shop.payment()
    path = f"/api/payments/{sale.id}/status"
    tag = shop.get(path, token=sale.token).headers["etag"]

    answer = shop.get(path, token=sale.token, headers={"if-none-match": tag, "prefer": wish})

    assert answer.status == 304
    assert "preference-applied" not in answer.headers


def test_a_status_that_has_not_changed_is_a_304(shop):
    sale = shop.payment(gateway="sandbox")
    path = f"/api/payments/{sale.id}/status"
    tag = shop.get(path).headers["etag"]

    known = shop.get(path, headers={"if-none-match": tag})
    sale.act("pay")
    sale.becomes("paid")
    news = shop.get(path, headers={"if-none-match": tag})

    assert (known.status, known.body) == (304, b"")
    assert known.headers["etag"] == tag
    assert news.status == 200
    assert news.data["final"] is True


def test_a_check_asks_the_gateway_and_finds_the_money(shop):
    sale = shop.payment(gateway="sandbox")
    sale.act("lose_webhook")

    answer = shop.post(f"/api/payments/{sale.id}/check")

    assert answer.status == 200
    assert answer.data["phase"] == "paid"
    assert answer.data["asOf"] is not None


def test_many_checks_at_once_ask_the_gateway_once_in_five_seconds(shop):
    sale = shop.payment(gateway="sandbox")

    as_of = {shop.post(f"/api/payments/{sale.id}/check").data["asOf"] for _ in range(10)}

    assert len(as_of) == 1


def test_a_browser_that_polls_makes_the_server_ask(shop):
    sale = shop.payment(gateway="sandbox", expiresIn=600)
    sale.act("lose_webhook")

    path = f"/api/payments/{sale.id}/status"
    seen = eventually(lambda: shop.get(path, token=sale.token).data, lambda told: told["final"])

    assert seen["phase"] == "paid"


def test_canceling_twice_is_canceling_once(shop):
    sale = shop.payment(gateway="sandbox")

    first, second = sale.cancel(), sale.cancel()

    assert (first.status, second.status) == (200, 200)
    assert first.data["phase"] == second.data["phase"] == "canceled"
    assert sale.events() == ["payment.opened", "payment.canceled"]


def test_what_is_paid_cannot_be_canceled(shop):
    sale = shop.payment(gateway="sandbox")
    sale.act("pay")
    sale.becomes("paid")

    answer = sale.cancel()

    assert answer.status == 409
    assert "refund" in answer.json["detail"]
    assert sale.show()["phase"] == "paid"


def test_a_cancel_that_crosses_the_money_finds_it_first(shop):
    sale = shop.payment(gateway="sandbox")
    sale.act("lose_webhook")

    answer = sale.cancel()

    assert answer.status == 409
    assert sale.show()["phase"] == "paid"


def test_the_proof_says_in_sentences_why_it_is_paid(shop):
    sale = shop.payment()
    sale.act("pay")
    sale.becomes("paid")

    proof = shop.get(f"/api/payments/{sale.id}/why").data

    assert [one["source"] for one in proof["reasons"]] == ["operator", "webhook", "fetch"]
    assert all(re.search(r"[a-z].*\.$", one["sentence"]) for one in proof["reasons"])
    assert "50000 VND of 50000 VND" in proof["reasons"][-1]["sentence"]
    assert proof["reasons"][-1]["after"] == "paid"
    assert proof["due"].endswith(".")


def test_the_proof_says_that_a_person_has_to_look(shop):
    sale = shop.payment(gateway="sandbox")
    sale.act("overpay")
    sale.becomes("paid")

    proof = shop.get(f"/api/payments/{sale.id}/why").data

    assert proof["review"] == "over"
    assert "A person should look at it: over." in proof["due"]


def test_the_gateways_are_listed_with_what_they_can_do(shop):
    answer = shop.get("/api/gateways")

    by_name = {one["name"]: one for one in answer.data}
    assert by_name.keys() >= {"payos", "sandbox"}
    assert by_name["payos"]["currencies"] == ["VND"]
    assert by_name["payos"]["verifies"] == "fetch"
    assert all(one["title"] for one in answer.data)
    assert answer.json["pagination"]["hasMore"] is False


def test_the_gateways_tell_of_their_health(shop):
    sale = shop.payment()
    sale.act("pay")
    sale.becomes("paid")

    payos = next(one for one in shop.get("/api/gateways").data if one["name"] == "payos")

    assert payos["health"]["lastWebhookAt"] is not None
    assert payos["health"]["lastPollAt"] is not None
    assert payos["health"]["errors"] == 0


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/openapi.json"])
def test_anybody_may_ask_whether_the_hub_is_well(shop, path):
    assert shop.get(path, token=None).status == 200


def lasts_s(payment: dict[str, str]) -> float:
    """How long an offer lasts."""
    at, until = (datetime.fromisoformat(payment[name]) for name in ("createdAt", "expiresAt"))
    return (until - at).total_seconds()
