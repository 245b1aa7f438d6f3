"""Stories of gateways that fail: the answer is lost, they say 500, they never answer."""

from __future__ import annotations

import pytest

from tests.http.shop import Sale, Shop

FAULTS = ["time_out_after_success", "error_500"]


@pytest.fixture(params=["payos", "sandbox"])
def gateway(request: pytest.FixtureRequest) -> str:
    """The gateway that fails."""
    return str(request.param)


@pytest.fixture
def lever(shop: Shop, gateway: str):
    """An offer that is over, to plan faults by; they end with the test, and the books balance."""
    sale = shop.payment(gateway=gateway)
    assert sale.cancel().status == 200
    shop.advance(1)
    yield sale
    for fault in (*FAULTS, "hang"):
        sale.act(fault, times=0)
    shop.audit()


def offer(shop: Shop, gateway: str, kind: str) -> Sale:
    """An offer at the failing gateway: a link with a payer, or a plain payment."""
    wish = {"expiresIn": 600}
    return shop.chosen_link(gateway, **wish) if kind == "link" else shop.payment(
        gateway=gateway, **wish
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["link", "payment"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_create_whose_answer_is_lost_makes_one_offer_and_is_paid(
    shop, gateway, lever, fault, kind
):
    offers = shop.offers(gateway)
    lever.act(fault, times=2)

    sale = offer(shop, gateway, kind)
    shop.advance(30)

    assert sale.is_offered()["checkout"]["checkoutUrl"]
    assert len(shop.offers(gateway)) == len(offers) + 1
    sale.act("pay")
    sale.becomes("paid", received=50_000)
    assert sale.counted("attempts") == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_question_whose_answer_is_lost_is_put_again(shop, gateway, lever, fault):
    sale = offer(shop, gateway, "link")
    lever.act(fault, times=2)

    happened = sale.act("pay")
    assert happened["deliveries"][0]["status"] == 200
    shop.advance(60)

    sale.becomes("paid", received=50_000)
    assert (sale.counted("receipts"), sale.counted("fulfilments")) == (1, 1)


def test_nothing_expires_while_the_gateway_cannot_be_asked(shop, gateway, lever):
    sale = offer(shop, gateway, "payment")
    lever.act("error_500", times=1000)

    shop.advance(1200)
    unheard = sale.show()
    lever.act("error_500", times=0)
    shop.advance(600)

    assert unheard["phase"] == "open"
    sale.becomes("expired", received=0)


def test_money_that_came_while_the_gateway_was_away_is_found_before_expiry(shop, gateway, lever):
    sale = offer(shop, gateway, "payment")
    sale.act("lose_webhook")
    lever.act("error_500", times=1000)

    shop.advance(1200)
    unheard = sale.show()
    lever.act("error_500", times=0)
    shop.advance(600)

    assert unheard["phase"] == "open"
    sale.becomes("paid", late=False, received=50_000)


def test_a_payment_is_answered_also_while_the_gateway_is_away(shop, gateway, lever):
    lever.act("error_500", times=1000)

    answer = shop.post(
        "/api/payments", json={"amount": 50_000, "currency": "VND", "gateway": gateway}
    )

    assert answer.status == 201
    assert answer.data["phase"] == "open"
    assert answer.data["attempt"]["state"] == "unknown"
    assert answer.data["checkout"]["checkoutUrl"] is None
    assert shop.post(f"/api/payments/{answer.data['id']}/cancel").status == 200


@pytest.mark.parametrize("gateway", ["sandbox"], indirect=True)
def test_a_gateway_that_never_answers_a_create_gets_one_offer(shop, gateway, lever):
    offers = shop.offers(gateway)
    lever.act("hang", times=1)

    sale = offer(shop, gateway, "link")
    shop.advance(30)

    sale.is_offered()
    sale.act("pay")
    sale.becomes("paid", received=50_000)
    assert len(shop.offers(gateway)) == len(offers) + 1


@pytest.mark.parametrize("gateway", ["payos"], indirect=True)
def test_a_gateway_that_never_answers_a_question_holds_up_nobody_else(shop, gateway, lever):
    sale, other = offer(shop, gateway, "link"), shop.payment(gateway="sandbox")
    lever.act("hang", times=1)

    sale.act("pay")
    other.act("pay")

    other.becomes("paid")
    assert sale.show()["phase"] == "open"
    sale.becomes("paid", received=50_000)
