"""What holds at every gateway: told, asked, told ten times, lied to and paid short."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.every_gateway import ASKED, EVERY_GATEWAY, TOLD, GatewayUnderTest
from tests.http.shop import Sale, Shop

every = pytest.mark.parametrize("gateway", EVERY_GATEWAY, ids=lambda gateway: gateway.name)
told = pytest.mark.parametrize("gateway", TOLD, ids=lambda gateway: gateway.name)
asked = pytest.mark.parametrize("gateway", ASKED, ids=lambda gateway: gateway.name)


IN_PART: dict[str, Any] = {"phase": "open", "amountState": "partial", "received": 20_000}
# OnePay says that some money has come, and not how much; so nothing is counted yet.
PART = {"onepay": {"phase": "processing", "amountState": "none", "received": 0}}


@pytest.fixture
def sale(shop: Shop, gateway: GatewayUnderTest) -> Sale:
    """An offer at this gateway, for an hour."""
    return shop.payment(**gateway.wish, expiresIn=3600)


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def assert_paid_once(sale: Sale) -> None:
    """One receipt, one fulfilment, told once."""
    assert (sale.counted("receipts"), sale.counted("fulfilments")) == (1, 1)
    assert sale.events().count("payment.paid") == 1


@told
def test_a_payer_pays_and_the_gateway_says_so(sale: Sale):
    happened = sale.act("pay")

    sale.becomes("paid", amountState="exact", received=50_000, late=False, review=None)
    assert all(200 <= delivery["status"] < 300 for delivery in happened["deliveries"])
    assert happened["deliveries"]
    assert_paid_once(sale)


@asked
def test_the_notice_is_lost_and_the_money_is_found_by_asking(sale: Sale, shop: Shop):
    sale.act("lose_webhook")
    assert sale.counted("inbox") == 0

    shop.advance(60)

    assert sale.becomes("paid", amountState="exact", received=50_000)
    assert sale.counted("inbox") == 0
    assert_paid_once(sale)


@told
def test_ten_notices_at_once_pay_once(sale: Sale):
    happened = sale.act("repeat_webhook", times=10)

    sale.becomes("paid", amountState="exact", received=50_000)
    # Polar tells one payment in six events.
    heard = [delivery["status"] for delivery in happened["deliveries"]]
    assert set(heard) == {200}
    assert 10 <= 10 * sale.counted("inbox") <= len(heard)
    assert_paid_once(sale)


@told
def test_a_forged_notice_moves_nothing(sale: Sale, shop: Shop):
    before = sale.show()["version"]
    happened = sale.act("forge_webhook")
    shop.advance(60)

    forged = happened["deliveries"][0]
    assert (forged["rightlySigned"], forged["status"]) == (False, 401)
    after = sale.show()
    assert (after["phase"], after["received"], after["version"]) == ("open", 0, before)
    assert (sale.counted("receipts"), sale.counted("fulfilments")) == (0, 0)


@every
def test_too_little_is_never_simply_paid(sale: Sale, shop: Shop, gateway: GatewayUnderTest):
    sale.act("underpay", amount=20_000)
    shop.advance(60)

    sale.becomes(**PART.get(gateway.name, IN_PART))
    assert sale.counted("fulfilments") == 0
