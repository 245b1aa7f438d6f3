"""The page that posts a gateway's signed form: what it holds, and who gets to see it."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import pytest

from tests.http.shop import Sale, Shop
from tests.infra.live import Answer

# The form is signed from the offer; the offers themselves are sold on both elsewhere.
pytestmark = pytest.mark.sqlite_only

FORM = {"content-type": "application/x-www-form-urlencoded"}
# Past the virtual clock's start, by more than the offers of this module live.
LATER_S = 700


@pytest.fixture
def sale(shop: Shop) -> Sale:
    """A plain payment of ten minutes at SePay's hosted checkout."""
    return shop.payment(gateway="sepay_pg", description="Trà <đá>", expiresIn=600)


def path_of(sale: Sale) -> str:
    """Where `checkoutUrl` leads."""
    url: str = sale.show()["checkout"]["checkoutUrl"]
    assert url.startswith(sale.shop.server.url + "/pay/form/")
    return url.removeprefix(sale.shop.server.url)


def opened(sale: Sale, path: str | None = None) -> Answer:
    """A payer's browser opens the page."""
    return sale.shop.get(path or path_of(sale), token=None, headers={"accept": "text/html"})


def fields_of(answer: Answer) -> dict[str, str]:
    """What the form posts, in its order."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.text)
    return {name: unescape(value) for name, value in found}


def test_posting_the_form_by_hand_opens_the_gateways_page(sale, shop):
    answer = opened(sale)
    action = re.search(r'<form method="post" action="([^"]+)"', answer.text)
    assert action

    body = urlencode(fields_of(answer))
    target = action[1].removeprefix(shop.server.url)
    sent = shop.post(target, token=None, raw=body, headers=FORM)

    assert answer.status == 200
    assert (sent.status, len(shop.offers("sepay_pg")) > 0) == (303, True)
    assert sale.act("pay")["order"]["received"] == 50_000
    sale.becomes("paid")


def test_the_page_may_post_to_the_gateway_only_and_has_no_script(sale, shop):
    answer = opened(sale)

    policy = answer.headers["content-security-policy"]
    assert policy.split("form-action ")[1] == shop.server.url
    assert "<script" not in answer.text
    assert "Trà &lt;đá&gt;" in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_opening_the_page_starts_nothing_at_the_gateway(sale, shop):
    before = shop.offers("sepay_pg")

    opened(sale)

    assert shop.offers("sepay_pg") == before


@pytest.mark.parametrize("changed", ["seal", "attempt", "no seal", "long"])
def test_an_attempts_id_alone_opens_nothing(sale, shop, changed):
    other = shop.payment(gateway="sepay_pg")
    attempt, _, seal = path_of(sale).rpartition("/")[2].partition(".")
    foreign = path_of(other).rpartition("/")[2].partition(".")[0]
    ticket = {"seal": f"{attempt}.{'0' * 32}", "attempt": f"{foreign}.{seal}",
              "no seal": attempt, "long": f"{attempt}.{seal * 9}"}[changed]  # fmt: skip

    answer = opened(sale, f"/pay/form/{ticket}")

    assert answer.status == 404
    assert "There is no payment here" in answer.text


def test_the_form_of_an_offer_that_is_over_is_not_shown_again(sale, shop):
    shop.advance(LATER_S)

    answer = opened(sale)

    assert answer.status == 409
    assert fields_of(answer) == {}


def test_a_links_payer_is_sent_back_to_its_page_when_it_is_paid(shop):
    sale = shop.chosen_link("sepay_pg")
    path = path_of(sale)
    sale.act("pay")
    sale.becomes("paid")

    answer = opened(sale, path)

    assert (answer.status, answer.headers["location"]) == (303, f"/pay/{sale.short_code}")
