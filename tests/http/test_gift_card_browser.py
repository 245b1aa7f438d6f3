"""Buying a gift card in a real browser, against the real server: form, QR, live wait, code."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.http.conftest import OpenShop
from tests.http.shop import Shop, eventually
from tests.infra.browser import NewPage, assert_accessible

# What the browser shows; what it is told is tested on both databases.
pytestmark = pytest.mark.sqlite_only

CODE = re.compile(r"HOL-GIFT-[0-9A-HJKMNP-TV-Z]{18}")


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """A hub of its own, since time passes in it."""
    return open_shop()


def order(page: Page, shop: Shop, gateway: str = "OnePay (bank transfer)") -> str:
    """Fill in the form and send it; the id of the card."""
    page.goto(f"{shop.server.url}/gift-cards?lang=en")
    page.get_by_label("Your e-mail address").fill("lan@example.com")
    page.get_by_label("Amount").fill("50.000")
    page.get_by_role("button", name=f"Pay with {gateway}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for your payment")
    return page.url.rpartition("/")[2]


def act(shop: Shop, card_id: str, name: str) -> None:
    """The payer does something at the gateway."""
    answer = shop.post("/_sim/act", json={"reference": card_id, "act": name})
    assert answer.status == 200, answer.text


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_a_buyer_fills_in_the_form_pays_and_is_shown_the_code_without_touching_anything(
    new_page: NewPage, shop: Shop, device: str
):
    page = new_page(device, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{shop.server.url}/gift-cards?lang=en")
    assert_accessible(page)
    card_id = order(page, shop)
    expect(page.get_by_role("img", name="QR code to pay")).to_be_visible()
    assert_accessible(page)

    act(shop, card_id, "pay")

    expect(page.get_by_role("heading", level=1)).to_have_text("Your gift card is ready")
    code = page.get_by_text(CODE).inner_text()
    page.get_by_role("button", name="Copy Gift card code").click()
    expect(page.get_by_role("button", name="Copied Gift card code")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code
    assert_accessible(page)


def test_without_any_script_the_pages_do_the_same(new_page: NewPage, shop: Shop):
    page = new_page("phone", java_script_enabled=False)
    card_id = order(page, shop)
    act(shop, card_id, "pay")

    def again() -> str:
        page.reload()
        return page.content()

    eventually(again, lambda seen: CODE.search(seen) is not None)
    expect(page.get_by_text(CODE)).to_be_visible()


def test_where_no_stream_gets_through_the_page_asks_until_the_code_is_there(
    new_page: NewPage, shop: Shop
):
    page = new_page("phone")
    page.route("**/stream", lambda route: route.abort())
    card_id = order(page, shop)

    act(shop, card_id, "pay")

    expect(page.get_by_text(CODE)).to_be_visible(timeout=60_000)


def test_the_page_of_a_card_opens_in_the_browser_that_bought_it_alone(
    new_page: NewPage, shop: Shop
):
    mine, yours = new_page(), new_page()
    card_id = order(mine, shop)
    act(shop, card_id, "pay")
    expect(mine.get_by_text(CODE)).to_be_visible()

    answer = yours.goto(mine.url)

    assert answer is not None
    assert answer.status == 404
    assert not CODE.search(yours.content())


def test_an_offer_that_is_over_or_canceled_says_so_and_leads_back_to_the_form(
    new_page: NewPage, shop: Shop
):
    late, taken_back = new_page("phone"), new_page("phone", "dark")
    order(late, shop)
    canceled = order(taken_back, shop)
    where = f"id = '{canceled}'"
    payment = shop.rows(f"SELECT payment_id FROM gift_cards WHERE {where}")[0][0]
    assert shop.post(f"/api/payments/{payment}/cancel").status == 200
    expect(taken_back.get_by_role("heading", level=1)).to_have_text("This payment was canceled")
    assert_accessible(taken_back)

    shop.advance(3600 + 600)

    expect(late.get_by_role("heading", level=1)).to_have_text("The time to pay has run out")
    assert_accessible(late)
    late.get_by_role("link", name="Buy another gift card").click()
    expect(late.get_by_role("heading", level=1)).to_have_text("Buy a gift card")


def test_a_form_that_makes_no_sense_comes_back_with_what_was_typed(shop):
    kind = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}

    def send(body: str, **more: str):
        return shop.line.post("/gift-cards", raw=body, headers={**kind, **more})

    good = "email=a%40example.com&amount=50000&currency=VND&gateway=onepay"
    for field, wrong in (("a%40example.com", "%3Cb%3E"), ("50000", "50.5"), ("50000", "-1"),
                         ("onepay", "nobody"), ("VND", "XXX"), ("VND", "USD")):  # fmt: skip
        answer = send(good.replace(field, wrong))
        assert answer.status == 400, wrong
        assert "<b>" not in answer.text
        assert 'value="' in answer.text
    assert send(good, **{"sec-fetch-site": "cross-site"}).status == 403
    sold = send(good)
    assert sold.status == 303
    assert re.search(r"tct_gc_\w+=tct_\S+;.*HttpOnly", sold.headers["set-cookie"])
    eventually(lambda: shop.rows("SELECT count(*) FROM gift_cards"), lambda rows: rows == [(1,)])
