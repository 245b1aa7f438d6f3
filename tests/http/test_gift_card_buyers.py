"""What buyers of gift cards meet: a gateway that hangs, its words, and limits of the amount."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.http.products import Topup
from tests.http.shop import Shop, eventually
from tests.http.test_gift_cards import WISH, of_answer

ENVIRONMENT = {
    "TALLYSTICK_OFFER_PATIENCE_S": "0.2",
    "TALLYSTICK_GIFT_CARD_LIMITS": '{"VND": [20000, 5000000]}',
    "TALLYSTICK_TOPUP_LIMITS": '{"VND": [10000, 2000000]}',
}


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def buy(shop: Shop):
    """A card at OnePay whose offer is made."""
    answer = shop.post("/api/gift-cards", json=WISH, token=None)
    assert answer.status == 201, answer.text
    gift = of_answer(shop, answer.json)
    gift.is_offered()
    return gift


def test_a_buyer_is_answered_while_onepay_hangs_and_the_page_shows_the_code_later(shop):
    buy(shop).act("hang", times=100)

    answer = shop.post("/api/gift-cards", json=WISH, token=None)

    assert answer.status == 201
    late = of_answer(shop, answer.json)
    assert (late.sold["qrCode"], late.sold["vaNumber"]) == (None, None)
    assert late.sold["onePayOrderId"] == late.sold["orderCode"]
    assert late.show()["attempt"]["state"] == "submitting"
    page = f"/gift-cards/{late.sold['id']}"
    assert shop.get(page, token=late.token).status == 200
    late.act("hang", times=0)
    shop.advance(60)
    offered = late.is_offered()
    assert offered["checkout"]["qrCode"]
    assert offered["checkout"]["vaNumber"] in shop.get(page, token=late.token).text
    assert late.paid()


@pytest.mark.parametrize(
    ("act", "word"), [("cancel", "Cancelled"), ("decline", "Rejected"), ("underpay", "Partially")]
)
def test_an_unpaid_card_has_onepays_own_word(shop, act, word):
    gift = buy(shop)

    gift.act(act)
    shop.advance(10)

    assert eventually(gift.asked, lambda told: told["status"] != "Pending") == {"status": word}
    order = {"onePayOrderId": gift.sold["onePayOrderId"]}
    told = shop.post("/checkOnePayOrderStatus", json=order, token=None).json
    assert told["status"] == word


@pytest.mark.parametrize("amount", [1, 19_999, 5_000_001])
def test_a_card_of_one_dong_or_of_a_fortune_is_refused_with_the_limits(shop, amount):
    answer = shop.post("/api/gift-cards", json={**WISH, "amount": amount}, token=None)

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "amount")
    assert "20000 VND to 5000000 VND" in answer.json["detail"]
    form = {"email": WISH["email"], "amount": str(amount), "currency": "VND", "gateway": "onepay"}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    page = shop.post("/gift-cards", raw=urlencode(form), headers=headers, token=None)
    assert page.status == 400
    assert "₫20,000 to ₫5,000,000" in page.text


def test_a_top_up_has_limits_of_its_own(shop):
    refused = shop.post("/api/topup/init", json={"amount": 9_999, "ownerId": "mai"})

    assert (refused.status, refused.json["errors"][0]["field"]) == (400, "amount")
    assert "10000 VND to 2000000 VND" in refused.json["detail"]
    assert Topup(shop, "mai", amount=10_000).started["amount"] == 10_000
