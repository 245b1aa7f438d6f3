"""A hub whose merchant has switched the streams off: everybody polls, and nobody waits longer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tallystick.client import Tallystick
from tests.http.shop import Shop
from tests.infra.browser import NewPage

# A setting decides it, before anything is read.
pytestmark = pytest.mark.sqlite_only

# A stream that is open all the same would end soon, so that these tests fail and do not hang.
ENVIRONMENT = {"TALLYSTICK_STREAMS": "false", "TALLYSTICK_STREAM_LIFE_S": "2"}


def test_every_stream_is_refused_with_what_to_do_instead_and_the_status_is_told(shop: Shop):
    sale, link = shop.payment(), shop.chosen_link()
    topup = shop.post("/api/topup/init", json={"amount": 50_000, "ownerId": "user-7"}).data
    places = {
        f"/api/payments/{sale.id}": "", f"/api/payment-links/{link.link_id}": "",
        "/api/topup": f"?tx_ref={topup['tx_ref']}",
    }  # fmt: skip

    refused = [shop.get(f"{place}/stream{query}") for place, query in places.items()]
    told = [shop.get(f"{place}/status{query}") for place, query in places.items()]

    assert [answer.status for answer in refused] == [503, 503, 503]
    assert {answer.json["code"] for answer in refused} == {"unavailable"}
    assert all("TALLYSTICK_STREAMS" in answer.json["detail"] for answer in refused)
    # Our clients leave the stream alone for so long, and go on reading the status.
    assert {answer.headers["retry-after"] for answer in refused} == {"600"}
    assert [answer.status for answer in told] == [200, 200, 200]


def test_the_python_client_follows_a_payment_all_the_same(shop: Shop):
    sale = shop.payment(gateway="sandbox")
    phases: list[str] = []

    with Tallystick(shop.server.url, shop.server.secret_key) as hub:
        for status in hub.payments.watch(sale.id, timeout_s=60):
            phases.append(status.phase)
            if status.phase == "open":
                sale.act("pay")

    assert (phases[0], phases[-1]) == ("open", "paid")


@pytest.mark.parametrize("kind", ["phone"])
def test_a_payers_page_learns_of_the_money_by_polling(new_page: NewPage, shop: Shop, kind: str):
    sale = shop.link(gateways=["payos"])
    page = new_page(kind)
    page.goto(f"{shop.server.url}/pay/{sale.short_code}?lang=en")
    page.get_by_role("button", name="Pay with payOS").click()
    with page.expect_request(lambda sent: sent.headers.get("prefer") == "wait=5", timeout=60_000):
        # The page has read once, and now waits for news.
        pass
    sale.act("pay")

    expect(page.get_by_role("heading", level=1)).to_have_text("Paid", timeout=60_000)
