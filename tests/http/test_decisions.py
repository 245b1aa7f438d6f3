"""What a person decides about a payment: accepted, marked as paid, closed, looked at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.http.callers import key_of
from tests.http.shop import Sale, Shop, eventually

SHORT = {"reason": "1,000 short; we know her."}
CASH = {"reason": "Paid at the counter.", "amount": 50_000, "bankReference": "CASH-7"}


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def decide(sale: Sale, decision: str, headers=None, token=None, **words):
    """An operator decides about a payment."""
    key = {} if token is None else {"token": token}
    path = f"/api/payments/{sale.id}/{decision}"
    return sale.shop.post(path, json=words, headers=headers, **key)


def short_by(shop: Shop, missing: int = 1_000, **wish) -> Sale:
    """A payment to which a little less came than is due."""
    sale = shop.payment(gateway="sepay", **wish)
    sale.act("underpay", amount=50_000 - missing)
    sale.becomes("open", amountState="partial")
    return sale


def decisions_of(sale: Sale) -> list[tuple[str, str]]:
    """What the log says, the first decision first."""
    told = sale.shop.get(f"/api/payments/{sale.id}/why").data["decisions"]
    return [(one["action"], one["reason"]) for one in told]


def test_a_transfer_1000_short_is_accepted_as_paid_with_a_reason_and_delivered(shop):
    sale = short_by(shop)

    accepted = decide(sale, "accept", **SHORT)

    assert accepted.status == 200, accepted.text
    seen = accepted.data
    assert (seen["phase"], seen["amountState"], seen["received"]) == ("paid", "partial", 49_000)
    assert seen["review"] is None
    assert sale.counted("fulfilments") == 1
    assert sale.events()[-1] == "payment.paid"
    assert decisions_of(sale) == [("accepted", SHORT["reason"])]
    assert "A person accepted 49000 VND of 50000 VND as enough" in sale.why()


def test_a_short_transfer_is_accepted_after_the_time_has_run_out(shop):
    sale = short_by(shop, expiresIn=60)
    shop.advance(600)
    sale.becomes("expired", review="underpaid")

    accepted = decide(sale, "accept", **SHORT)

    assert (accepted.data["phase"], accepted.data["late"]) == ("paid", False)
    assert accepted.data["review"] is None


def test_the_rest_of_what_was_accepted_comes_after_all_and_nobody_has_to_look(shop):
    sale = short_by(shop)
    decide(sale, "accept", **SHORT)

    sale.act("pay")

    sale.becomes("paid", received=50_000, amountState="exact", review=None)
    lost = "SELECT COALESCE(SUM(q.amount), 0) FROM postings q JOIN transfers t ON t.id = "
    where = f"q.transfer_id WHERE q.account = 'shortfall' AND t.payment_id = '{sale.id}'"
    assert int(shop.rows(lost + where)[0][0]) == 0


def test_where_no_money_came_there_is_nothing_to_accept(shop):
    sale = shop.payment(gateway="sepay")

    refused = decide(sale, "accept", **SHORT)

    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert "mark the payment as paid" in refused.json["detail"]


def test_what_is_paid_cannot_be_accepted_again_but_the_same_request_is_answered_again(shop):
    sale = short_by(shop)
    key = {"idempotency-key": f"accept-{sale.id}"}

    first = decide(sale, "accept", headers=key, **SHORT)
    again = decide(sale, "accept", headers=key, **SHORT)
    other = decide(sale, "accept", **SHORT)

    assert (first.status, again.status, other.status) == (200, 200, 409)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json == first.json
    assert len(decisions_of(sale)) == 1


def test_six_who_accept_at_once_accept_once(shop):
    sale = short_by(shop)

    with ThreadPoolExecutor(6) as clerks:
        answers = list(clerks.map(lambda _: decide(sale, "accept", **SHORT), range(6)))

    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert sale.counted("fulfilments") == 1


def test_a_decision_needs_an_operator_and_a_reason(shop):
    sale = short_by(shop)

    no_reason = decide(sale, "accept", reason="  ")
    no_words = decide(sale, "accept")
    a_reader = decide(sale, "accept", token=key_of(shop, "reader"), **SHORT)
    the_payer = decide(sale, "accept", token=sale.token, **SHORT)
    nobody = shop.post("/api/payments/pay_01ARZ3NDEKTSV4RRFFQ69G5FAV/accept", json=SHORT)

    assert [no_reason.status, no_words.status] == [400, 400]
    assert no_reason.json["detail"] == "reason: is blank; say why"
    assert (a_reader.status, nobody.status) == (403, 404)
    assert the_payer.status in {401, 403, 404}
    assert sale.show()["phase"] == "open"


def test_cash_at_the_counter_makes_it_paid(shop):
    sale = shop.payment(gateway="sepay")

    marked = decide(sale, "mark-paid", **{**CASH, "bankReference": f"CASH-{sale.id}"})

    assert marked.status == 200, marked.text
    assert (marked.data["phase"], marked.data["amountState"]) == ("paid", "exact")
    assert sale.counted("fulfilments") == 1
    assert decisions_of(sale) == [("marked_paid", CASH["reason"])]
    row = f"SELECT gateway, account FROM receipts WHERE payment_id = '{sale.id}'"
    assert [tuple(one) for one in shop.rows(row)] == [("manual", "manual")]


def test_a_part_in_cash_leaves_the_rest_to_be_paid(shop):
    sale = shop.payment(gateway="sepay")
    words = {**CASH, "amount": 20_000, "bankReference": f"PART-{sale.id}"}

    part = decide(sale, "mark-paid", **words)
    sale.act("underpay", amount=30_000)

    assert (part.data["phase"], part.data["amountState"]) == ("open", "partial")
    sale.becomes("paid", received=50_000, amountState="exact")


def test_the_same_bank_reference_pays_once_and_never_two_payments(shop):
    sale, other = shop.payment(gateway="sepay"), shop.payment(gateway="sepay")
    words = {**CASH, "bankReference": f"ONE-{sale.id}"}

    decide(sale, "mark-paid", **words)
    again = decide(sale, "mark-paid", **words)
    differs = decide(sale, "mark-paid", **{**words, "amount": 49_000})
    elsewhere = decide(other, "mark-paid", **words)

    assert (again.status, again.data["received"]) == (200, 50_000)
    assert len(decisions_of(sale)) == 1
    assert (differs.status, elsewhere.status) == (409, 409)
    assert sale.id in elsewhere.json["detail"]
    assert other.show()["received"] == 0


def test_money_marked_with_the_time_it_came_is_as_late_as_it_was(shop):
    sale = shop.payment(gateway="sepay", expiresIn=60)
    at = shop.now().isoformat()
    shop.advance(600)
    sale.becomes("expired")
    words = {**CASH, "bankReference": f"AT-{sale.id}"}

    future = decide(sale, "mark-paid", **words, receivedAt="2099-01-01T00:00:00Z")
    marked = decide(sale, "mark-paid", **words, receivedAt=at)

    assert future.status == 400
    assert (marked.data["phase"], marked.data["late"]) == ("paid", False)


@pytest.mark.parametrize("end", ["expired", "canceled"])
def test_what_a_gateway_leaves_in_flight_for_ever_is_ended_by_a_person(shop, end):
    sale = shop.payment(gateway="onepay")
    sale.act("underpay")
    sale.becomes("processing")
    shop.advance(2 * 86_400)
    sale.becomes("processing", review="unfinished")
    canceled = sale.cancel()

    closed = decide(sale, "close", reason="OnePay will not finish it.", **{"as": end})

    assert canceled.status == 409
    assert "close the payment" in canceled.json["detail"]
    assert closed.status == 200, closed.text
    assert (closed.data["phase"], closed.data["review"]) == (end, None)
    assert decisions_of(sale) == [("closed", "OnePay will not finish it.")]
    shop.advance(86_400)
    sale.becomes(end)


def test_only_what_is_in_flight_is_closed_and_the_answer_says_what_to_do(shop):
    sale = shop.payment(gateway="sepay")

    refused = decide(sale, "close", reason="Enough.", **{"as": "canceled"})
    unknown = decide(sale, "close", reason="Enough.", **{"as": "paid"})

    assert (refused.status, unknown.status) == (409, 400)
    assert "cancel it instead" in refused.json["detail"]


def test_a_review_is_closed_and_what_is_new_opens_another(shop):
    sale = shop.payment(gateway="sepay")
    sale.act("overpay", amount=60_000)
    sale.becomes("paid", review="over")

    closed = decide(sale, "review", reason="She gave a tip.")
    again = decide(sale, "review", reason="She gave a tip.")
    sale.act("overpay", amount=60_000)

    assert (closed.data["review"], closed.data["amountState"]) == (None, "over")
    assert again.status == 409
    eventually(sale.show, lambda seen: seen["received"] == 120_000)
    sale.becomes("paid", review="over")
