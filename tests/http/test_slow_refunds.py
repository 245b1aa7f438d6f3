"""Refunds that wait for the payer's bank: pending first, and through or back later."""

from __future__ import annotations

import pytest

from tests.http.shop import Sale, Shop, eventually


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


@pytest.fixture
def sale(shop: Shop) -> Sale:
    """Paid by a card whose bank takes its time over refunds."""
    sold = shop.payment(gateway="polar", currency="USD", amount=9_900)
    sold.act("pay")
    sold.becomes("paid")
    sold.act("slow_refunds")
    return sold


def refunds_become(sale: Sale, *states: str) -> list[dict]:
    return eventually(
        lambda: sale.shop.get(f"/api/refunds?paymentId={sale.id}").json["data"],
        lambda told: sorted(one["state"] for one in told) == [*states],
        patience_s=15,
    )


def only_refund(sale: Sale, state: str) -> dict:
    (refund,) = refunds_become(sale, state)
    return refund


def told(sale: Sale) -> list[str]:
    where = f"payment_id = '{sale.id}' AND type LIKE 'refund.%' ORDER BY at, id"
    return [row[0] for row in sale.shop.rows(f"SELECT type FROM outbox WHERE {where}")]


def test_a_refund_that_the_bank_takes_its_time_over_is_pending_and_then_succeeds(sale):
    refund = sale.shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 5_500}).data
    waiting = sale.show()["refunded"]
    sale.act("finish_refund")
    only_refund(sale, "succeeded")

    assert refund["state"] == "pending"
    assert waiting == 0
    assert sale.show()["refunded"] == 5_500
    assert told(sale) == ["refund.requested", "refund.pending", "refund.succeeded"]


def test_money_of_a_pending_refund_cannot_go_back_twice(sale):
    sale.shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 9_000})

    more = sale.shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 1_000})

    assert more.status == 409, more.text
    assert more.json["code"] == "refund_too_large"


def test_a_pending_refund_whose_notice_is_lost_is_asked_about_until_it_is_through(sale):
    sale.shop.post(f"/api/payments/{sale.id}/refunds", json={})
    sale.act("finish_refund", delay=30 * 86_400)

    sale.shop.advance(3_600)

    only_refund(sale, "succeeded")
    assert sale.show()["refunded"] == 9_900


def test_a_pending_refund_that_the_bank_sends_back_fails_and_its_money_is_here_again(sale):
    sale.shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 5_500})
    sale.act("reverse_refund")

    only_refund(sale, "failed")

    seen = sale.show()
    assert (seen["refunded"], seen["review"]) == (0, None)
    again = sale.shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 9_900})
    assert again.data["state"] == "pending", again.text


def test_a_slow_refund_of_the_dashboard_is_booked_when_it_has_gone_through(sale):
    sale.act("dashboard_refund", amount=5_500)
    waiting = sale.shop.get(f"/api/refunds?paymentId={sale.id}").json["data"]
    sale.act("finish_refund")

    assert only_refund(sale, "succeeded")["source"] == "external"
    assert waiting == []


@pytest.mark.parametrize(
    ("act", "ends"), [("finish_refund", "succeeded"), ("reverse_refund", "failed")]
)
def test_a_pending_refund_of_the_dashboard_is_asked_about_where_no_notice_comes(sale, act, ends):
    sale.act("dashboard_refund", amount=5_500)
    sale.act("dashboard_refund", amount=1_100)
    # The notice that this one is through makes us look, and both are found.
    sale.act("finish_refund")
    refunds_become(sale, "pending", "succeeded")
    sale.act(act, delay=30 * 86_400)

    sale.shop.advance(3_600)

    refunds_become(sale, *sorted([ends, "succeeded"]))
    assert sale.show()["refunded"] == (6_600 if ends == "succeeded" else 1_100)
