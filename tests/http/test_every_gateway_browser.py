"""The pay page at every gateway, in a real browser: choose, see how to pay, pay, and be told."""

from __future__ import annotations

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.http.every_gateway import EVERY_GATEWAY, GatewayUnderTest
from tests.http.shop import Sale, Shop
from tests.infra.browser import NewPage, assert_accessible

# What each of them gives a payer in its simulation, as `checkout` names it.
GIVES: Final = {
    "payos": {"qrCode", "accountNumber", "transferContent", "checkoutUrl"},
    "sandbox": {"qrCode", "checkoutUrl"},
    "sepay": {"qrCode", "accountNumber", "transferContent", "checkoutUrl"},
    "sepay_pg": {"checkoutUrl"},
    "onepay": {"qrCode", "accountNumber", "checkoutUrl"},
    "onepay_vpc": {"checkoutUrl"},
    "polar": {"checkoutUrl"},
    "govpay": {"transferContent", "instructions"},
}
SHOWN: Final = ("qrCode", "accountNumber", "transferContent", "checkoutUrl", "instructions")
pytestmark = [
    pytest.mark.sqlite_only,
    pytest.mark.parametrize("gateway", EVERY_GATEWAY, ids=lambda gateway: gateway.name),
]


@pytest.fixture
def sale(shop: Shop, gateway: GatewayUnderTest) -> Sale:
    """A link that can be paid at this gateway only."""
    wish = {name: value for name, value in gateway.wish.items() if name != "gateway"}
    return shop.link(**wish, description="A pot of tea", gateways=[gateway.name], returnUrl=None)


def choose(page: Page, sale: Sale, gateway: GatewayUnderTest) -> None:
    """The payer opens the link and takes the one way to pay."""
    page.goto(f"{sale.shop.server.url}/pay/{sale.short_code}?lang=en")
    page.get_by_role("button", name=f"Pay with {gateway.capabilities.title}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for your payment")


def pay_there(page: Page) -> None:
    """The payer leaves for the gateway in another tab, through our form where there is one."""
    other = page.context.new_page()
    other.goto(page.locator("#checkout").get_attribute("href") or "")
    if other.locator("button#checkout").count():
        expect(other.get_by_role("heading", level=1)).to_have_text(re.compile("Continue to"))
        other.locator("button#checkout").click()
    other.get_by_role("button", name="Pay", exact=True).click()
    expect(other).to_have_url(re.compile("/pay/[0-9A-Z]{10}"))


def test_the_page_shows_how_to_pay_here_and_says_live_that_it_is_paid(
    new_page: NewPage, sale: Sale, gateway: GatewayUnderTest
):
    page = new_page("phone")
    choose(page, sale, gateway)
    given = sale.show()["checkout"]

    assert {name for name in SHOWN if given[name]} == GIVES[gateway.name]
    if given["qrCode"]:
        expect(page.get_by_role("img", name="QR code to pay")).to_be_visible()
    for name in ("accountNumber", "transferContent"):
        if given[name]:
            line = page.locator(".transfer div", has_text=given[name]).first
            expect(line.get_by_role("button", name="Copy")).to_be_visible()
    if given["instructions"]:
        expect(page.locator(".pay")).to_contain_text("Open your bank")
    assert_accessible(page)

    if given["checkoutUrl"]:
        pay_there(page)
    else:
        sale.act("pay")

    expect(page.get_by_role("heading", level=1)).to_have_text("Paid")
    assert (sale.counted("receipts"), sale.counted("fulfilments")) == (1, 1)


def test_without_any_script_a_payer_pays_here_too(
    new_page: NewPage, sale: Sale, gateway: GatewayUnderTest
):
    page = new_page("phone", java_script_enabled=False)
    choose(page, sale, gateway)

    if page.locator("#checkout").count():
        pay_there(page)
    else:
        sale.act("pay")
    sale.becomes("paid")
    page.reload()

    expect(page.get_by_role("heading", level=1)).to_have_text("Paid")
