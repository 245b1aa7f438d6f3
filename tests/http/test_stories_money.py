"""Stories of money: it comes, comes short, comes over, comes twice, comes late, or never comes."""

from __future__ import annotations

import pytest

from tests.http.shop import Sale, Shop

LINK_STATES = {"paid": "PAID", "open": "OPEN", "expired": "EXPIRED", "canceled": "CANCELED"}


@pytest.fixture(params=["link at payos", "payment at sandbox"])
def sale(request: pytest.FixtureRequest, shop: Shop) -> Sale:
    """An offer of 50.000 ₫ for ten minutes: a link at payOS, a plain payment at the sandbox."""
    if request.param == "link at payos":
        return shop.chosen_link(expiresIn=600)
    return shop.payment(gateway="sandbox", expiresIn=600)


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def assert_paid_once(sale: Sale) -> None:
    """One payment, one receipt, one fulfilment, told once."""
    assert sale.counted("receipts") == 1
    assert sale.counted("fulfilments") == 1
    assert sale.events().count("payment.paid") == 1
    if sale.link_id:
        assert sale.link_status()["currentStatus"] == "PAID"


def test_the_payer_pays_and_the_webhook_says_so(sale):
    happened = sale.act("pay")

    paid = sale.becomes("paid", amountState="exact", received=50_000, late=False, review=None)
    assert happened["deliveries"][0]["status"] == 200
    assert paid["paidAt"] is not None
    assert_paid_once(sale)


def test_the_webhook_is_lost_and_the_server_finds_the_money_by_itself(sale, shop):
    sale.act("lose_webhook")
    assert sale.show()["phase"] == "open"

    shop.advance(60)

    assert sale.show()["phase"] == "paid"
    assert_paid_once(sale)


def test_the_same_webhook_ten_times_at_once_pays_once(sale):
    happened = sale.act("repeat_webhook", times=10)

    sale.becomes("paid", amountState="exact", received=50_000)
    assert [delivery["status"] for delivery in happened["deliveries"]] == [200] * 10
    assert sale.counted("inbox") == 1
    assert_paid_once(sale)


def test_a_forged_webhook_is_refused_and_a_signed_lie_moves_nothing(sale, shop):
    happened = sale.act("forge_webhook")
    shop.advance(120)

    forged, lie = happened["deliveries"]
    assert (forged["rightlySigned"], forged["status"]) == (False, 401)
    assert (lie["rightlySigned"], lie["status"]) == (True, 200)
    assert sale.show()["phase"] == "open"
    assert (sale.counted("receipts"), sale.counted("inbox")) == (0, 1)


def test_a_signed_lie_is_shown_to_a_person_when_the_time_is_over(sale, shop):
    sale.act("forge_webhook")

    shop.advance(700)

    sale.becomes("expired", amountState="none", received=0, review="contradiction")
    assert sale.counted("fulfilments") == 0


def test_a_part_is_not_enough_and_the_rest_completes_it(sale):
    sale.act("underpay", amount=20_000)
    sale.becomes("open", amountState="partial", received=20_000)
    assert sale.counted("fulfilments") == 0

    sale.act("pay")

    sale.becomes("paid", amountState="exact", received=50_000)
    assert sale.counted("receipts") == 2
    assert sale.counted("fulfilments") == 1


def test_a_part_that_stays_a_part_expires_and_a_person_is_told(sale, shop):
    sale.act("underpay")
    sale.becomes("open", amountState="partial", received=45_000)

    shop.advance(700)

    sale.becomes("expired", amountState="partial", received=45_000, review="underpaid")
    assert "payment.review" in sale.events()
    assert sale.counted("fulfilments") == 0


def test_the_rest_after_the_deadline_still_completes_it(sale, shop):
    sale.act("underpay")
    shop.advance(700)
    sale.becomes("expired", amountState="partial")

    sale.act("pay_late")

    sale.becomes("paid", amountState="exact", late=True, review=None)
    assert sale.counted("fulfilments") == 1


def test_more_than_was_due_is_paid_and_the_surplus_is_shown_to_a_person(sale):
    sale.act("overpay", amount=60_000)

    sale.becomes("paid", amountState="over", received=60_000, review="over")
    assert sale.events()[-3:] == ["payment.paid", "payment.overpaid", "payment.review"]
    assert_paid_once(sale)


def test_the_payer_pays_twice_and_gets_it_once(sale):
    sale.act("pay_twice")

    sale.becomes("paid", amountState="over", received=100_000, review="over")
    assert sale.counted("receipts") == 2
    assert sale.counted("fulfilments") == 1
    assert sale.events().count("payment.paid") == 1


def test_a_second_payer_of_one_link_is_shown_to_a_person(shop):
    sale = shop.chosen_link("payos")
    sale.act("lose_webhook")
    sale.choose("sandbox")

    sale.act("pay")

    sale.becomes("paid", amountState="over", received=100_000, review="second_payer")
    assert sale.counted("receipts") == 2
    assert sale.counted("fulfilments") == 1


def test_money_in_another_currency_is_never_counted_as_paid(shop):
    sale = shop.payment(gateway="sandbox", expiresIn=600)

    sale.act("wrong_currency", currency="USD", amount=50_000)

    sale.becomes("open", amountState="none", received=0, review="wrong_currency")
    assert sale.counted("receipts") == 1
    assert sale.counted("fulfilments") == 0
    shop.advance(700)
    sale.becomes("expired", review="wrong_currency")


def test_money_after_the_deadline_is_taken_and_called_late(sale, shop):
    shop.advance(700)
    sale.becomes("expired", amountState="none")

    sale.act("pay_late")

    sale.becomes("paid", amountState="exact", late=True)
    assert sale.events()[-1] == "payment.paid_late"
    assert sale.counted("fulfilments") == 1


def test_late_money_without_a_webhook_is_found_too(sale, shop):
    shop.advance(700)
    sale.becomes("expired")
    sale.act("lose_webhook")

    shop.advance(1200)

    sale.becomes("paid", late=True)
    assert sale.counted("fulfilments") == 1


def test_an_offer_that_nobody_pays_expires_by_itself(sale, shop):
    shop.advance(700)

    expired = sale.becomes("expired", amountState="none", received=0, review=None)
    assert expired["paidAt"] is None
    assert sale.order()["status"].lower() == "expired"
    assert sale.events() == ["payment.opened", "payment.expired"]


def test_money_after_the_merchant_canceled_is_counted_and_left_to_a_person(sale, shop):
    assert sale.cancel().status == 200
    shop.advance(5)
    assert sale.order()["status"].lower().startswith("cancel")

    sale.act("pay_late")

    sale.becomes("canceled", received=50_000, review="late_after_cancel")
    assert sale.counted("receipts") == 1
    assert sale.counted("fulfilments") == 0


def test_a_payer_who_gives_up_at_the_gateway_can_choose_again(shop):
    sale = shop.chosen_link()

    sale.act("cancel")
    shop.advance(60)

    assert sale.becomes("open")["attempt"]["state"] == "canceled"
    sale.choose("sandbox")
    sale.act("pay")
    sale.becomes("paid", gateway="sandbox")
    assert sale.counted("attempts") == 2


def test_a_plain_payment_is_over_when_its_payer_gives_up(shop):
    sale = shop.payment(gateway="sandbox")

    sale.act("cancel")

    sale.becomes("canceled", received=0)
    assert "gave up at the gateway" in sale.why()


def test_a_declined_card_is_tried_again_and_paid(sale, shop):
    sale.act("decline")
    shop.advance(60)
    assert sale.becomes("open")["attempt"]["state"] == "failed"

    sale.act("pay")

    sale.becomes("paid", amountState="exact")
    assert_paid_once(sale)


def test_the_same_money_is_told_by_webhook_poll_and_browser_and_counted_once(sale, shop):
    sale.act("pay")
    for _ in range(3):
        shop.post(f"/api/payments/{sale.id}/check")
        shop.get(f"/api/payments/{sale.id}/status")
    shop.advance(900)

    sale.becomes("paid", amountState="exact", received=50_000)
    assert_paid_once(sale)
