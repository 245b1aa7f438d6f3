"""Stories of money without an owner: found, shown with suggestions, and dealt with by a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tallystick.gateways.payos import body_signature
from tests.http.shop import Shop, eventually

VIETNAM = timezone(timedelta(hours=7))


def transfer(shop: Shop, *, memo: str, amount: int = 50_000, reference: str) -> None:
    """PayOS tells, rightly signed, of a transfer to an order that we never made."""
    at = datetime.now(UTC).astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
    data = {
        "orderCode": 7, "amount": amount, "description": memo, "accountNumber": "0123456789",
        "reference": reference, "transactionDateTime": at, "currency": "VND",
        "paymentLinkId": f"{reference.lower():0>32}", "code": "00", "desc": "success",
    }  # fmt: skip
    signature = body_signature(data, shop.gateway_keys("payos")["checksum_key"])
    notice = {"code": "00", "desc": "success", "success": True, "data": data,
              "signature": signature}  # fmt: skip
    answer = shop.post("/api/webhooks/payos", json=notice, token=None)
    assert (answer.status, answer.json) == (200, {"success": True})


def unmatched(shop: Shop, reference: str) -> dict:
    """The row of the transfer, once the hub has looked for its owner in vain."""

    def look():
        rows = shop.get("/api/unmatched?limit=200").json["data"]
        return next((row for row in rows if row["transactionId"] == reference), None)

    return eventually(look, lambda row: row is not None)


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def test_a_transfer_that_names_nobody_is_kept_and_credits_nobody(shop):
    sale = shop.chosen_link()
    transfer(shop, memo="tien an trua", reference="FT0001")

    row = unmatched(shop, "FT0001")

    assert (row["amount"], row["currency"], row["state"]) == (50_000, "VND", "waiting")
    assert sale.show()["received"] == 0


def test_the_payment_whose_code_the_memo_nearly_holds_is_suggested_first(shop):
    wanted, other = shop.chosen_link(), shop.chosen_link(amount=70_000)
    memo = wanted.show()["checkout"]["transferContent"].split()[-1]
    transfer(shop, memo=f"MBVCB.1 {memo[:-1]} CT", reference="FT0002")

    suggested = unmatched(shop, "FT0002")["suggestions"]

    assert suggested[0]["paymentId"] == wanted.id
    assert "the amount is what is owed" in suggested[0]["reasons"]
    scores = {one["paymentId"]: one["score"] for one in suggested}
    assert scores.get(other.id, 0) < suggested[0]["score"]


def test_money_that_a_person_assigns_pays_the_payment_once(shop):
    sale = shop.chosen_link()
    transfer(shop, memo="no code", reference="FT0003")
    row = unmatched(shop, "FT0003")
    wish = {"paymentId": sale.id, "reason": "The payer sent the bank's slip."}

    first = shop.post(f"/api/unmatched/{row['id']}/assign", json=wish)
    again = shop.post(f"/api/unmatched/{row['id']}/assign", json=wish)

    assert (first.status, first.data["payment"]["phase"]) == (200, "paid")
    assert first.data["decisions"][0]["reason"] == wish["reason"]
    assert (again.status, again.json["code"]) == (409, "conflict")
    assert sale.counted("receipts") == 1


def test_assigned_money_of_another_amount_is_partial_and_never_plainly_paid(shop):
    sale = shop.chosen_link()
    transfer(shop, memo="no code", amount=20_000, reference="FT0004")
    row = unmatched(shop, "FT0004")
    wish = {"paymentId": sale.id, "reason": "Told on the phone."}

    answer = shop.post(f"/api/unmatched/{row['id']}/assign", json=wish)

    paid = answer.data["payment"]
    assert (paid["phase"], paid["amountState"], paid["received"]) == ("open", "partial", 20_000)


def test_money_that_was_given_back_by_hand_cannot_be_assigned_any_more(shop):
    sale = shop.chosen_link()
    transfer(shop, memo="no code", reference="FT0005")
    row = unmatched(shop, "FT0005")

    blank = shop.post(f"/api/unmatched/{row['id']}/refund", json={"reason": "  "})
    given_back = shop.post(f"/api/unmatched/{row['id']}/refund", json={"reason": "FT9, our bank"})
    wish = {"paymentId": sale.id, "reason": "Too late."}
    assigned = shop.post(f"/api/unmatched/{row['id']}/assign", json=wish)

    assert (blank.status, blank.json["detail"]) == (400, "reason: is blank; say why")
    assert (given_back.status, given_back.data["state"]) == (200, "refunded")
    assert assigned.status == 409
    assert sale.show()["received"] == 0


def test_parked_money_leaves_the_list_and_can_still_find_its_owner(shop):
    sale = shop.chosen_link()
    transfer(shop, memo="no code", reference="FT0006")
    row = unmatched(shop, "FT0006")

    parked = shop.post(f"/api/unmatched/{row['id']}/park", json={"reason": "Asked the bank."})
    waiting = [one["id"] for one in shop.get("/api/unmatched?limit=200").json["data"]]
    decided = [one["id"] for one in shop.get("/api/unmatched?state=decided").json["data"]]
    wish = {"paymentId": sale.id, "reason": "The bank answered."}
    assigned = shop.post(f"/api/unmatched/{row['id']}/assign", json=wish)

    assert parked.data["state"] == "parked"
    assert row["id"] not in waiting
    assert row["id"] in decided
    assert assigned.data["payment"]["phase"] == "paid"


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("assign", {"paymentId": "pay_00000000000000000000000000", "reason": "x"}, 404),
        ("assign", {"reason": "x"}, 400),
        ("park", {}, 400),
        ("park", {"reason": ""}, 400),
        ("refund", {"reason": "x", "amount": 1}, 400),
    ],
)
def test_a_decision_without_its_facts_is_refused(shop, verb, body, status):
    reference = f"FT1{verb}{len(json.dumps(body))}"
    transfer(shop, memo="no code", reference=reference)
    row = unmatched(shop, reference)

    answer = shop.post(f"/api/unmatched/{row['id']}/{verb}", json=body)

    assert answer.status == status


def test_money_without_a_code_whose_notice_was_lost_is_found_in_the_statement(shop):
    sale = shop.payment(gateway="sepay", amount=61_000)
    shop.advance(60)
    lost = sale.act("forget_memo", times=0)
    assert lost["deliveries"] == []

    shop.advance(3000)

    row = unmatched(shop, lost["transfers"][0]["reference"])
    assert (row["amount"], row["state"], row["memo"]) == (61_000, "waiting", "chuyen tien")
    assert row["suggestions"][0]["paymentId"] == sale.id
    assert sale.show()["received"] == 0


def test_money_without_an_owner_is_nobodys_business_without_a_key(shop):
    assert shop.get("/api/unmatched", token=None).status == 401
    assert shop.get("/api/unmatched/ntc_00000000000000000000000000").status == 404
    assert shop.get("/api/unmatched?state=lost").status == 400
