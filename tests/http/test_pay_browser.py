"""The whole way of a payer in a real browser, against the real server."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.http.shop import Sale, Shop
from tests.infra.browser import NewPage, assert_accessible

# What the browser shows; what it is told is tested on both databases.
pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def sale(shop: Shop) -> Sale:
    """A link that nobody has opened yet."""
    return shop.link(description="A pot of tea", gateways=["payos"])


def open_link(page: Page, sale: Sale) -> None:
    """The payer opens the link, and nothing has started yet."""
    page.goto(f"{sale.shop.server.url}/pay/{sale.short_code}?lang=en")
    expect(page.get_by_role("heading", level=1)).to_have_text("How would you like to pay?")
    assert sale.counted("attempts") == 0


def choose(page: Page) -> None:
    """The payer chooses how to pay, and sees what to do."""
    page.get_by_role("button", name="Pay with payOS").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for your payment")
    expect(page.get_by_role("img", name="QR code to pay")).to_be_visible()


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_a_payer_opens_chooses_pays_and_is_told_without_touching_anything(
    new_page: NewPage, sale: Sale, device: str
):
    page = new_page(device)
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))

    open_link(page, sale)
    assert_accessible(page)
    choose(page)
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"\d\d:\d\d"))
    assert_accessible(page)
    reloads = len(loads)
    sale.act("pay")

    expect(page).to_have_url(re.compile(f"/pay/{sale.short_code}/success"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Paid")
    assert_accessible(page)
    assert len(loads) <= reloads + 1
    assert sale.counted("fulfilments") == 1


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_without_any_script_the_page_tells_the_same_when_it_is_loaded_again(
    new_page: NewPage, sale: Sale, device: str
):
    page = new_page(device, java_script_enabled=False)

    open_link(page, sale)
    choose(page)
    sale.act("pay")
    sale.becomes("paid")
    page.reload()

    expect(page.get_by_role("heading", level=1)).to_have_text("Paid")


def test_a_part_payment_is_told_in_place_and_the_rest_completes_it(new_page: NewPage, sale: Sale):
    page = new_page("phone")
    open_link(page, sale)
    choose(page)

    sale.act("underpay", amount=20_000)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("₫20,000 of ₫50,000"))
    sale.act("pay")

    expect(page.get_by_role("heading", level=1)).to_have_text("Paid")


def test_where_streams_are_blocked_the_page_learns_of_the_money_all_the_same(
    new_page: NewPage, sale: Sale
):
    page = new_page("phone")
    page.route("**/stream", lambda route: route.abort())
    open_link(page, sale)
    choose(page)
    with page.expect_request(lambda sent: sent.headers.get("prefer") == "wait=5", timeout=60_000):
        # The page has read once, and now waits for news.
        pass
    sale.act("pay")

    expect(page.get_by_role("heading", level=1)).to_have_text("Paid", timeout=60_000)


def test_the_expired_page_goes_on_listening_and_shows_money_that_came_late(
    new_page: NewPage, shop: Shop
):
    sale = shop.link(gateways=["payos"], expiresIn=600)
    page = new_page("phone")
    open_link(page, sale)
    choose(page)

    shop.advance(700)
    expect(page.get_by_role("heading", level=1)).to_have_text("The time to pay has run out")
    expect(page).to_have_url(re.compile("/expired$"))
    sale.act("pay_late")

    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Paid, after the deadline", timeout=60_000
    )


def test_a_page_whose_server_was_away_tells_the_truth_when_it_is_back(new_page: NewPage, open_shop):
    shop = open_shop()
    sale = shop.link(gateways=["payos"])
    page = new_page("phone")
    open_link(page, sale)
    choose(page)

    shop.server.kill9()
    shop.server.restart()
    sale.act("pay")

    expect(page.get_by_role("heading", level=1)).to_have_text("Paid", timeout=60_000)
