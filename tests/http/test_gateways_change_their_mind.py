"""Gateways that go back on their word about money that came, or that went back."""

from __future__ import annotations

import pytest

from tests.http.shop import Sale, Shop, eventually

POLAR = {"gateway": "polar", "currency": "USD", "amount": 9_900}
SANDBOX = {"gateway": "sandbox"}
VPC = {"gateway": "onepay_vpc"}


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def paid(shop: Shop, wish: dict) -> Sale:
    sale = shop.payment(**wish)
    sale.act("pay")
    sale.becomes("paid")
    return sale


def gives_back(sale: Sale, amount: int) -> dict:
    answer = sale.shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": amount})
    assert answer.status == 201, answer.text
    return refund_becomes(sale, answer.data["id"], "succeeded")


def refund_becomes(sale: Sale, refund_id: str, state: str) -> dict:
    return eventually(
        lambda: sale.shop.get(f"/api/refunds/{refund_id}").data, lambda one: one["state"] == state
    )


def told(sale: Sale) -> list[str]:
    """What the merchant's systems are told of the payment and its refunds."""
    where = f"payment_id = '{sale.id}' ORDER BY at, id"
    return [row[0] for row in sale.shop.rows(f"SELECT type FROM outbox WHERE {where}")]


def reads_disputes(shop: Shop) -> None:
    secret = {"x-cron-secret": shop.server.cron_secret}
    run = shop.line.post("/api/jobs/read-disputes", headers=secret).json
    assert run["success"], run


def balance(shop: Shop, account: str, currency: str) -> int:
    rows = shop.rows(
        f"SELECT COALESCE(SUM(amount), 0) FROM postings WHERE account = '{account}' "
        f"AND currency = '{currency}'"
    )
    return int(rows[0][0])


@pytest.mark.parametrize("wish", [POLAR, SANDBOX, VPC], ids=lambda wish: wish["gateway"])
def test_a_refund_that_the_gateway_takes_back_is_here_again_and_a_person_is_told(shop, wish):
    sale = paid(shop, wish)
    clearing = f"clearing:{wish['gateway']}"
    currency = wish.get("currency", "VND")
    before = balance(shop, clearing, currency)
    refund = gives_back(sale, 5_500)
    assert sale.show()["refunded"] == 5_500

    sale.act("reverse_refund")
    sale.shop.post(f"/api/payments/{sale.id}/check")
    shop.advance(60)
    sale.shop.post(f"/api/payments/{sale.id}/check")

    assert "took it back" in refund_becomes(sale, refund["id"], "failed")["failure"]
    seen = sale.becomes("paid", review="contradiction")
    assert seen["refunded"] == 0
    assert balance(shop, clearing, currency) == before
    assert {"refund.failed", "payment.review"} <= set(told(sale))
    assert f"took the refund {refund['id']} back" in sale.why()


def test_money_of_a_refund_that_came_back_can_be_sent_again(shop):
    sale = paid(shop, SANDBOX)
    gives_back(sale, 50_000)
    sale.act("reverse_refund")
    sale.becomes("paid", review="contradiction")

    gives_back(sale, 50_000)

    assert sale.show()["refunded"] == 50_000


@pytest.mark.parametrize("wish", [POLAR, SANDBOX], ids=lambda wish: wish["gateway"])
def test_a_chargeback_is_told_at_once_and_booked_when_the_bank_has_decided(shop, wish):
    sale = paid(shop, wish)
    due = sale.show()["amount"]

    sale.act("chargeback")
    reads_disputes(shop)
    opened = sale.becomes("paid", review="contradiction")
    sale.act("chargeback_lost")
    reads_disputes(shop)
    reads_disputes(shop)

    assert opened["refunded"] == 0
    assert sale.becomes("paid", review="contradiction")["refunded"] == due
    assert told(sale).count("payment.disputed") == 2
    [(document,)] = shop.rows(
        "SELECT data FROM outbox WHERE type = 'payment.disputed' AND "
        f"payment_id = '{sale.id}' ORDER BY at LIMIT 1"
    )
    assert '"status":"open"' in document
    assert "the payer disputes" in sale.why().lower()


def test_a_chargeback_that_is_won_costs_nothing(shop):
    sale = paid(shop, POLAR)
    sale.act("chargeback")
    reads_disputes(shop)
    sale.act("chargeback_won")
    reads_disputes(shop)

    assert sale.show()["refunded"] == 0
    assert told(sale).count("payment.disputed") == 2
    assert "The dispute is won" in sale.why()


def test_a_card_payment_that_onepay_takes_its_word_back_about_waits_for_a_person(shop):
    sale = paid(shop, VPC)

    sale.act("chargeback")
    shop.advance(10)
    shop.post(f"/api/payments/{sale.id}/check")

    seen = sale.becomes("paid", review="contradiction")
    assert (seen["received"], seen["refunded"]) == (50_000, 0)
    assert told(sale).count("payment.disputed") == 1


@pytest.mark.parametrize(
    "wish", [{"gateway": "payos"}, SANDBOX, POLAR], ids=lambda wish: wish["gateway"]
)
def test_money_that_the_gateway_shows_no_more_stays_counted_and_a_person_is_told_once(shop, wish):
    sale = paid(shop, wish)

    sale.act("lose_transfer")
    for _ in range(3):
        shop.advance(10)
        shop.post(f"/api/payments/{sale.id}/check")

    seen = sale.becomes("paid", review="contradiction")
    assert seen["received"] == seen["amount"]
    assert told(sale).count("payment.disputed") == 1
    assert sale.why().count("any more") == 1


def test_a_transfer_that_the_bank_account_lists_no_more_is_found_by_reconciliation(shop):
    sale = shop.payment(gateway="sepay")
    sale.act("pay")
    sale.becomes("paid")
    sale.act("lose_transfer")
    shop.advance(2 * 3_600)

    secret = {"x-cron-secret": shop.server.cron_secret}
    assert shop.line.post("/api/jobs/reconcile", headers=secret).json["success"]

    sale.becomes("paid", review="contradiction")
    assert told(sale).count("payment.disputed") == 1


def test_a_refund_of_exactly_five_dollars_goes_back_at_polar(shop):
    sale = paid(shop, POLAR)

    refund = gives_back(sale, 500)

    assert refund["amount"] == 500
    assert sale.show()["refunded"] == 500
    rest = gives_back(sale, 9_400)
    assert rest["amount"] == 9_400
    assert told(sale).count("refund.succeeded") == 2
