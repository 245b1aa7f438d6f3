"""The payer's pages over plain HTTP: before any script they say the truth and start nothing."""

from __future__ import annotations

import re

import pytest

from tests.http.shop import Sale, Shop
from tests.infra.live import Answer

# Pages are made from what was read; the reading has tests of its own on both databases.
pytestmark = pytest.mark.sqlite_only

HTML = {"accept": "text/html,application/xhtml+xml"}
FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}


def page(sale: Sale, kind: str = "", **headers: str) -> Answer:
    """The page as a browser without any proof gets it."""
    path = f"/pay/{sale.short_code}{kind}"
    return sale.shop.get(path, token=None, headers={**HTML, **headers})


def choose(sale: Sale, **headers: str) -> Answer:
    """The payer sends the form."""
    path = f"/pay/{sale.short_code}/attempts"
    return sale.shop.post(path, token=None, raw="gateway=payos", headers={**FORM, **headers})


def words(answer: Answer) -> str:
    """What a reader of the page reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.mark.parametrize("kind", ["", "/success", "/expired", "/canceled"])
def test_opening_a_page_starts_nothing_at_any_gateway(shop, kind):
    sale = shop.link()
    offers = shop.offers("payos")

    answers = [page(sale, kind) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert sale.counted("attempts") == 0
    assert shop.offers("payos") == offers


def test_the_form_leads_to_the_waiting_page_with_a_cookie_of_its_own(shop):
    sale = shop.link()

    answer = choose(sale)

    cookie = answer.headers["set-cookie"]
    assert answer.status == 303
    assert answer.headers["location"] == f"/pay/{sale.short_code}"
    assert cookie.startswith(f"tct_{sale.short_code}=tct_")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert sale.counted("attempts") == 1
    assert "Waiting for your payment" in words(page(sale))


def test_the_cookie_of_the_form_opens_what_only_the_payer_may_see(shop):
    sale = shop.link()
    cookie = choose(sale).headers["set-cookie"].split(";")[0]
    sale.act("pay")
    sale.becomes("paid")

    told = sale.link_status(headers={"cookie": cookie})

    assert told["transactionInfo"]["amount"] == 50_000


def test_a_client_of_the_api_gets_the_checkout_and_a_token(shop):
    sale = shop.link()

    answer = shop.post(f"/pay/{sale.short_code}/attempts", token=None, json={"gateway": "payos"})

    assert answer.status == 201
    assert answer.data.keys() >= {"paymentId", "checkout", "clientToken"}
    assert answer.data["paymentId"] == sale.id
    assert answer.data["checkout"]["qrCode"].startswith("000201")
    assert shop.get(f"/api/payments/{sale.id}", token=answer.data["clientToken"]).status == 200


def test_sending_the_form_twice_is_choosing_once(shop):
    sale = shop.link()

    answers = [choose(sale), choose(sale)]

    assert [answer.status for answer in answers] == [303, 303]
    assert sale.counted("attempts") == 1


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_on_another_site_starts_nothing(shop, site):
    sale = shop.link()

    answer = choose(sale, **{"sec-fetch-site": site})

    assert answer.status == 403
    assert sale.counted("attempts") == 0


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_pages_own_form_is_let_through(shop, site):
    sale = shop.link()

    assert choose(sale, **{"sec-fetch-site": site}).status == 303


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", ""])
def test_an_old_browser_on_another_site_starts_nothing_either(shop, origin):
    sale = shop.link()

    answer = choose(sale, origin=origin)

    assert answer.status == 403
    assert sale.counted("attempts") == 0


def test_an_old_browser_on_our_own_page_is_let_through(shop):
    assert choose(shop.link(), origin=shop.server.url).status == 303


@pytest.mark.parametrize("path", ["/pay/NOBODY", "/pay/NOBODY/success", "/pay/" + "x" * 300])
def test_an_unknown_code_is_a_page_that_says_so(shop, path):
    answer = shop.get(path, token=None, headers=HTML)

    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "NOBODY" not in answer.text


@pytest.mark.parametrize("kind", ["", "/success", "/expired", "/canceled"])
@pytest.mark.parametrize(("happens", "says"), [
    ("nothing", "Waiting for your payment"), ("underpay", "has arrived"), ("pay", "Paid"),
    ("overpay", "Paid, with more than was due"), ("canceled", "This payment was canceled"),
])  # fmt: skip
def test_every_page_tells_the_truth_whichever_was_asked_for(shop, kind, happens, says):
    sale = shop.chosen_link()
    if happens == "canceled":
        sale.cancel()
    elif happens != "nothing":
        sale.act(happens)
        sale.becomes("open" if happens == "underpay" else "paid", received=sale.order()["received"])

    answer = page(sale, kind)

    assert answer.status == 200
    assert says in words(answer)


def test_a_page_after_the_deadline_says_so(shop):
    sale = shop.chosen_link(expiresIn=60)
    shop.advance(120)
    sale.becomes("expired")

    assert "The time to pay has run out" in words(page(sale))


def test_a_draft_is_not_for_payers_yet(shop):
    assert "not open yet" in words(page(shop.link(draft=True)))


@pytest.mark.parametrize(("headers", "query", "language"), [
    ({}, "", "en"),
    ({"accept-language": "vi-VN,vi;q=0.9,en;q=0.5"}, "", "vi"),
    ({"accept-language": "si"}, "", "si"),
    ({"accept-language": "de,ta;q=0.3"}, "", "ta"),
    ({"accept-language": "xx"}, "", "en"),
    ({"accept-language": "vi"}, "?lang=en", "en"),
    ({"cookie": "lang=ta"}, "", "ta"),
    ({"cookie": "lang=ta"}, "?lang=vi", "vi"),
    ({"cookie": "lang=../../x"}, "?lang=<script>", "en"),
])  # fmt: skip
def test_a_page_speaks_the_language_of_its_reader(shop, headers, query, language):
    answer = page(shop.link(), query, **headers)

    assert answer.headers["content-language"] == language
    assert f'lang="{language}"' in answer.text
    assert "Accept-Language" in answer.headers["vary"]


def test_a_chosen_language_is_remembered(shop):
    answer = page(shop.link(), "?lang=vi")

    assert answer.headers["set-cookie"].startswith("lang=vi;")


@pytest.mark.parametrize("kind", ["", "/success", "/../nothing"])
def test_no_page_can_be_framed_scripted_or_kept(shop, kind):
    answer = page(shop.chosen_link(), kind)

    policy = dict(part.strip().split(" ", 1)
                  for part in answer.headers["content-security-policy"].split(";"))  # fmt: skip
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "set-cookie" not in answer.headers


def test_what_a_merchant_writes_is_text_and_never_markup(shop):
    sale = shop.link(description="<script>alert(1)</script>\"'><img src=x onerror=alert(1)>")

    answer = page(sale)

    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


def test_a_page_holds_no_secret_and_no_other_hosts_address(shop):
    sale = shop.chosen_link()
    sale.act("pay")
    sale.becomes("paid")

    text = page(sale).text

    assert sale.token not in text
    assert shop.server.secret_key not in text
    assert re.findall(r"(?:src|href|action)=\"https?://(?!127\.0\.0\.1)[^\"]*", text) == []


def test_the_pages_files_are_there_and_may_be_kept_for_ever(shop):
    text = page(shop.link()).text
    files = set(re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", text))

    answers = [shop.get(path, token=None) for path in files]

    assert files
    assert {answer.status for answer in answers} == {200}
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)


def test_a_gateway_that_is_away_is_told_on_the_page_and_mended_later(shop: Shop):
    lever = shop.payment(gateway="payos")
    lever.cancel()
    shop.advance(1)
    lever.act("error_500", times=50)
    sale = shop.link()

    answer = choose(sale)
    preparing = words(page(sale))
    lever.act("error_500", times=0)
    shop.advance(60)

    assert answer.status == 303
    assert "Preparing your payment details" in preparing
    assert "Waiting for your payment" in words(page(sale))
