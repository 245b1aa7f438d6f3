"""Pages of three systems that were replaced, in their own words, work against the hub.

They stand in `tests/web/old_pages`, each with a word on what was changed when it moved over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, Route, expect

from tests.clients.pages import pages
from tests.http.callers import user_token
from tests.http.conftest import PLAIN
from tests.http.shop import Shop
from tests.infra.live import LiveServer
from tests.test_tidy import ROOT
from tests.web.misbehaving import Content, Misbehaving, misbehaving

FOLDER = ROOT / "tests" / "web" / "old_pages"
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
HERE, ELSEWHERE = "at the hub's own origin", "at another origin"
PLACES = pytest.mark.parametrize("opened", [HERE, ELSEWHERE], indirect=True)
ENDS = [("pay", "PAID"), ("repeat_webhook", "PAID"), ("cancel", "Cancelled")]
Open = Callable[..., Page]
PATIENCE_MS = 100_000


@pytest.fixture(scope="module")
def old_shop() -> Iterator[Misbehaving]:
    """The merchant's own server, which has the old pages."""
    with misbehaving() as running:
        running.pages.update(pages())
        for file in FOLDER.iterdir():
            content = Content({"Content-Type": KINDS[file.suffix]}, file.read_bytes())
            running.pages[f"/old/{file.name}"] = content
        yield running


@pytest.fixture(scope="module")
def shop(old_shop: Misbehaving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A hub that knows where the merchant's own pages stand."""
    folder = tmp_path_factory.mktemp("hub")
    environment = {**PLAIN, "TALLYSTICK_ALLOWED_ORIGINS": old_shop.url}
    server = LiveServer(folder, f"sqlite:///{folder / 'tallystick.db'}", (), environment)
    server.start()
    shop = Shop(server)
    yield shop
    shop.leave()


@pytest.fixture
def opened(request: pytest.FixtureRequest, page: Page, old_shop: Misbehaving, shop: Shop) -> Open:
    """Opens an old page, from its own server or as if the hub had it."""

    def fulfil(route: Route) -> None:
        content = old_shop.pages[route.request.url.removeprefix(shop.server.url).split("?")[0]]
        route.fulfill(status=200, headers=content.headers, body=content.body)

    root = old_shop.url
    if request.param == HERE:
        root = shop.server.url
        for place in ("old/**", "tallystick/**", "react.js"):
            page.route(f"{root}/{place}", fulfil)

    def open_page(name: str, **words: str) -> Page:
        page.goto(f"{root}/old/{name}.html?{urlencode({'api': shop.server.url, **words})}")
        return page

    return open_page


@PLACES
@pytest.mark.parametrize(("act", "status"), ENDS)
def test_the_old_gift_card_page_sells_a_card(opened: Open, shop: Shop, act: str, status: str):
    page = opened("gift-card", every="300")

    page.get_by_role("button", name="Mua").click()
    expect(page.get_by_role("status")).to_have_text("Pending", timeout=PATIENCE_MS)
    order = page.evaluate("order")
    answer = shop.post("/_sim/act", json={"reference": order["id"], "act": act})
    assert answer.status == 200, answer.text

    expect(page.get_by_role("status")).to_have_text(status, timeout=PATIENCE_MS)
    assert page.locator("#account").inner_text().startswith(f"{order['vaNumber']} 50000 ")
    if status == "PAID":
        expect(page.locator("#code")).to_contain_text("50000 lan@example.com true")
        expect(page.locator("#code")).to_contain_text("HOL-GIFT-")


@PLACES
@pytest.mark.parametrize("streams", ["with streams", "without"])
def test_the_old_payment_links_page_follows_a_link(opened: Open, shop: Shop, streams: str):
    sale = shop.chosen_link()
    page = opened("payment-link", paymentLinkId=sale.link_id, shortCode=sale.short_code)
    if streams == "without":
        page.route("**/stream", lambda route: route.abort())
        page.reload()
    expect(page.locator("#badge")).to_have_text("Waiting", timeout=PATIENCE_MS)
    monitor = page.locator("payment-status .title")
    expect(monitor).to_have_text("Waiting for your payment", timeout=PATIENCE_MS)

    sale.act("pay")

    expect(page.locator("#badge")).to_have_text("Paid", timeout=PATIENCE_MS)
    expect(page.locator("#message")).to_have_text("Paid.", timeout=PATIENCE_MS)
    expect(page.locator("#method")).to_have_text("payos", timeout=PATIENCE_MS)
    expect(page.locator("#changes")).to_have_text("OPEN PAID", timeout=PATIENCE_MS)
    expect(monitor).to_have_text("Paid", timeout=PATIENCE_MS)


@PLACES
def test_the_old_wallets_page_tops_up_and_never_needs_its_own_polling(opened: Open, shop: Shop):
    page = opened("wallet-topup", user=user_token(shop, "lan"))

    page.get_by_role("button", name="Nạp tiền").click()
    expect(page.locator("#status")).to_have_text("pending", timeout=PATIENCE_MS)
    answer = shop.post(
        "/_sim/act", json={"reference": page.locator("#ref").inner_text(), "act": "pay"}
    )
    assert answer.status == 200, answer.text

    expect(page.locator("#status")).to_have_text("confirmed", timeout=PATIENCE_MS)
    expect(page.locator("#message")).to_have_text("Đã nạp 100000", timeout=PATIENCE_MS)
    assert page.evaluate("polls") == 0
