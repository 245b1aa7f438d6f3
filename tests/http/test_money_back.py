"""Money that goes back although nothing was sold for it, and what was sold for less."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.http.shop import Sale, Shop, eventually
from tests.http.test_decisions import decide
from tests.http.test_refunds import back, of


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def stands_at(shop: Shop, sale: Sale, account: str) -> int:
    """What a payment has put on an account, credits positive."""
    posted = "SELECT COALESCE(-SUM(q.amount), 0) FROM postings q JOIN transfers t ON t.id = "
    where = f"q.transfer_id WHERE t.payment_id = '{sale.id}' AND q.account LIKE '{account}'"
    return int(shop.rows(posted + where)[0][0])


def test_money_in_another_currency_goes_back_and_the_offer_can_still_be_paid(shop):
    sale = shop.payment(gateway="sandbox")
    sale.act("wrong_currency", amount=1_999, currency="USD")
    sale.becomes("open", review="wrong_currency", received=0)

    unclear = back(sale)
    never = back(sale, currency="EUR")
    more = back(sale, currency="USD", amount=2_000)
    sent = back(sale, currency="USD", reason="In dong, please.")

    assert (unclear.status, unclear.json["code"]) == (409, "nothing_to_refund")
    assert "currency USD" in unclear.json["detail"]
    assert (never.status, never.json["code"]) == (400, "currency_mismatch")
    assert (more.status, more.json["code"]) == (409, "refund_too_large")
    assert sent.status == 201, sent.text
    assert (sent.data["amount"], sent.data["currency"]) == (1_999, "USD")
    assert back(sale, currency="USD").json["code"] == "nothing_to_refund"
    decide(sale, "review", reason="It went back.")
    sale.act("pay")
    sale.becomes("paid", received=50_000, review=None)


def test_six_racing_refunds_in_another_currency_give_one(shop):
    sale = shop.payment(gateway="sandbox")
    sale.act("wrong_currency", amount=1_000, currency="USD")
    sale.becomes("open", review="wrong_currency")

    with ThreadPoolExecutor(6) as clerks:
        answers = list(clerks.map(lambda _: back(sale, currency="USD", amount=600), range(6)))

    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409, 409]


@pytest.mark.parametrize(("gateway", "state"), [("sandbox", "succeeded"), ("sepay", "manual")])
def test_late_money_goes_back_by_itself_where_the_merchant_said_so(shop, gateway, state):
    sale = shop.payment(gateway=gateway, expiresIn=60, latePolicy="auto_refund")
    shop.advance(600)
    sale.becomes("expired")

    sale.act("pay_late")

    [refund] = eventually(lambda: of(sale), lambda all_: [one["state"] for one in all_] == [state])
    assert (refund["amount"], refund["reason"]) == (50_000, "It came after the deadline.")
    seen = sale.becomes("canceled", late=True, review=None, received=50_000)
    assert seen["latePolicy"] == "auto_refund"
    assert sale.counted("fulfilments") == 0
    assert "what came goes back by itself" in sale.why()


def test_late_money_waits_for_a_person_and_is_accepted(shop):
    sale = shop.payment(gateway="sandbox", expiresIn=60, latePolicy="review")
    shop.advance(600)
    sale.becomes("expired")
    sale.act("pay_late")
    sale.becomes("expired", review="late", amountState="exact")

    accepted = decide(sale, "accept", reason="He called us.")

    seen = accepted.data
    assert (seen["phase"], seen["late"], seen["review"]) == ("paid", True, None)


@pytest.mark.parametrize("given", [{"amount": 1_000}, {"percent": 2}, {"percent": 2.5}])
def test_a_little_less_pays_what_tolerates_it(shop, given):
    sale = shop.payment(gateway="sandbox", underpaymentTolerance=given)

    sale.act("underpay", amount=49_000)

    seen = sale.becomes("paid", amountState="exact", received=49_000, review=None)
    assert seen["underpaymentTolerance"]["amount"] in {1_000, 1_250}
    assert stands_at(shop, sale, "revenue") == 50_000
    assert stands_at(shop, sale, "shortfall") == -1_000


@pytest.mark.parametrize(
    "given",
    [{}, {"amount": 1, "percent": 1}, {"amount": 50_000}, {"amount": -1}, {"percent": 100},
     {"percent": 0.125}, {"percent": "1"}, 5],
)  # fmt: skip
def test_a_tolerance_that_cannot_be_is_refused(shop, given):
    wish = {"amount": 50_000, "currency": "VND", "gateway": "sandbox"}

    answer = shop.post("/api/payments", json={**wish, "underpaymentTolerance": given})

    assert answer.status == 400, answer.text
    assert shop.post("/api/payments", json={**wish, "latePolicy": "keep"}).status == 400


def test_a_buyer_cannot_say_how_much_less_is_enough(shop):
    wish = {"email": "a@example.com", "productType": "pro", "gateway": "sandbox"}

    for own in ({"underpaymentTolerance": {"percent": 99}}, {"latePolicy": "auto_fulfil"}):
        answer = shop.post("/api/orders", json={**wish, **own}, token=None)
        assert (answer.status, answer.json["code"]) == (400, "invalid_request")


def accepted(shop: Shop, payment_id: str, came: int) -> Sale:
    """A payment of something that is sold, accepted for what came."""
    sale = Sale(shop, payment_id, "")
    sale.act("underpay", amount=came)
    sale.becomes("open", amountState="partial")
    answer = decide(sale, "accept", reason="Close enough.")
    assert answer.data["phase"] == "paid", answer.text
    return sale


def test_a_gift_card_that_was_accepted_for_less_has_its_face_value_until_its_money_goes_back(shop):
    wish = {"email": "lan@example.com", "amount": 50_000, "gateway": "sandbox"}
    card = shop.post("/api/gift-cards", json=wish).json
    payment = shop.rows(f"SELECT payment_id FROM gift_cards WHERE id = '{card['id']}'")[0][0]
    sale = accepted(shop, payment, 49_000)

    balance = stands_at(shop, sale, "gift_card:%")
    half = back(sale, amount=24_000)
    rest = back(sale)

    assert balance == 50_000
    assert (half.data["state"], rest.data["amount"]) == ("succeeded", 25_000)
    assert stands_at(shop, sale, "gift_card:%") == 0
    assert stands_at(shop, sale, "shortfall") == 0
    state = shop.rows(f"SELECT state FROM gift_cards WHERE id = '{card['id']}'")
    assert state[0][0] == "revoked"


def test_a_top_up_that_was_accepted_for_less_fills_the_wallet_with_what_was_sold(shop):
    wish = {"amount": 50_000, "ownerId": "user-short", "gateway": "sandbox"}
    made = shop.post("/api/topup/init", json=wish).data
    payment = shop.rows(f"SELECT payment_id FROM topups WHERE id = '{made['txRef']}'")[0][0]

    accepted(shop, payment, 49_000)

    wallet = shop.get("/api/wallets/user-short").data
    assert wallet["balances"] == {"VND": 50_000}


def test_an_order_that_was_accepted_for_less_is_sold_at_its_price_and_goes_back_whole(shop):
    wish = {"email": "mai@example.vn", "productType": "pro", "gateway": "sandbox",
            "currency": "VND"}  # fmt: skip
    order = shop.post("/api/orders", json=wish, token=None).data
    sale = accepted(shop, order["paymentId"], order["amount"] - 1_000)

    between = shop.get(f"/api/orders/{order['id']}").data
    refund = back(sale)

    assert between["status"] == "completed"
    assert refund.data["amount"] == order["amount"] - 1_000
    assert shop.get(f"/api/orders/{order['id']}").data["status"] == "refunded"
    assert [stands_at(shop, sale, one) for one in ("revenue", "shortfall")] == [0, 0]


def test_a_task_that_was_accepted_for_less_is_completed(shop):
    wish = {"amount": 150_000, "currency": "VND", "callbackUrl": "http://127.0.0.1:9/paid"}
    task = shop.post("/api/tasks", json=wish).data
    go = {"action": "INITIATE_PAYMENT", "gateway": "sandbox"}
    session = shop.post(f"/api/tasks/{task['id']}/actions", json=go).data

    accepted(shop, session["paymentId"], 149_000)

    assert shop.get(f"/api/tasks/{task['id']}").data["status"] == "COMPLETED"
