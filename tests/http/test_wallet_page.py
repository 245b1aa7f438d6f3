"""The page of a wallet: opened by the merchant's app, topped up without any script, paid live."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tallystick.domain.errors import HubError
from tallystick.domain.typed_amount import typed_amount
from tests.http.callers import user_token
from tests.http.shop import Sale, Shop, eventually

# A page before the API of top-ups, whose own tests run on both databases.
pytestmark = pytest.mark.sqlite_only

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}


def submit(shop: Shop, path: str, cookie: str = "", **fields: str):
    """A form as a browser without script sends it."""
    headers = FORM | ({"cookie": cookie} if cookie else {})
    return shop.post(path, raw=urlencode(fields), headers=headers, token=None)


def cookie_of(answer) -> str:
    """What the browser keeps of an answer."""
    return str(answer.headers["set-cookie"]).partition(";")[0]


@pytest.fixture
def session(shop: Shop) -> str:
    """The cookie of a user who was sent here by the app."""
    return cookie_of(submit(shop, "/wallet/topup", token=user_token(shop, "user-p")))


def test_without_a_token_the_page_says_how_to_come(shop):
    page = shop.get("/wallet/topup", token=None)

    assert page.status == 200
    assert "Open this page from your app" in page.text
    assert "amount" not in page.text.partition("<main")[2]


def test_a_wrong_token_opens_nothing(shop):
    for token in ("a.b.c", "", shop.server.secret_key, "tct_x", "é"):
        answer = submit(shop, "/wallet/topup", token=token)
        assert answer.status == 401, token
        assert "set-cookie" not in answer.headers


def test_the_app_posts_its_token_and_the_address_never_has_it(shop):
    jwt = user_token(shop, "user-p")
    answer = submit(shop, "/wallet/topup", token=jwt)

    assert answer.status == 303
    assert answer.headers["location"].endswith("/wallet/topup")
    kept = answer.headers["set-cookie"]
    assert "HttpOnly" in kept
    assert "Path=/wallet" in kept
    assert jwt not in kept


def test_an_owner_types_an_amount_pays_and_finds_it_in_the_wallet(shop, session):
    page = shop.get("/wallet/topup", token=None, headers={"cookie": session})
    assert "user-p" in page.text
    assert 'name="amount"' in page.text

    made = submit(shop, "/wallet/topup/start", session, amount="50.000", currency="VND",
                  gateway="payos")  # fmt: skip
    assert made.status == 303
    place, token = made.headers["location"], cookie_of(made)
    waiting = shop.get(place, token=None, headers={"cookie": token})
    assert "Waiting for your payment" in waiting.text
    tx_ref = place.rpartition("/")[2]
    status = f"/api/topup/status?tx_ref={tx_ref}"
    assert f'data-status="{status}"' in waiting.text
    assert shop.get(status, token=None, headers={"cookie": token}).status == 200

    (found,) = shop.rows(f"SELECT payment_id FROM topups WHERE id = '{tx_ref}'")
    Sale(shop, found[0], "").act("pay")

    paid = eventually(
        lambda: shop.get(place, token=None, headers={"cookie": token}).text,
        lambda text: "<h1>Paid</h1>" in text,
    )
    assert "/wallet/topup" in paid
    wallet = shop.get("/wallet/topup", token=None, headers={"cookie": session})
    assert "₫50,000" in wallet.text


def test_a_top_up_is_shown_to_its_owner_only(shop, session):
    made = submit(shop, "/wallet/topup/start", session, amount="1000", currency="VND",
                  gateway="sandbox")  # fmt: skip
    place = made.headers["location"]
    other = cookie_of(submit(shop, "/wallet/topup", token=user_token(shop, "somebody-else")))

    seen = [shop.get(place, token=None, headers=headers).status for headers in (
        {"cookie": cookie_of(made)}, {"cookie": session}, {"cookie": other}, {},
    )]  # fmt: skip

    assert seen == [200, 200, 404, 404]
    assert shop.get("/wallet/topup/top_x", token=None).status == 404


def test_what_is_no_amount_is_shown_again_to_be_mended(shop, session):
    answer = submit(shop, "/wallet/topup/start", session, amount='<b>"x', currency="VND",
                    gateway="payos")  # fmt: skip

    assert answer.status == 400
    assert "This is not an amount" in answer.text
    assert "&lt;b&gt;&#34;x" in answer.text
    other = shop.get("/wallet/topup/start?lang=vi", token=None, headers={"cookie": session})
    assert other.headers["location"].endswith("/wallet/topup?lang=vi")


def test_a_closed_session_and_another_site_start_nothing(shop, session):
    wish = {"amount": "1000", "currency": "VND", "gateway": "sandbox"}
    forged = shop.post(
        "/wallet/topup/start", raw=urlencode(wish), token=None,
        headers=FORM | {"cookie": session, "sec-fetch-site": "cross-site"},
    )  # fmt: skip
    broken = submit(shop, "/wallet/topup/start", session[:-3] + "AAA", **wish)

    assert forged.status == 403
    assert broken.status == 403
    assert "Open this page from your app" in broken.text


def test_an_unknown_way_to_pay_is_told_in_words(shop, session):
    for fields in (
        {"currency": "VND", "gateway": "nobody"},
        {"currency": "ZZZ", "gateway": "payos"},
    ):
        answer = submit(shop, "/wallet/topup/start", session, amount="1000", **fields)
        assert answer.status == 400
        assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("text", "currency", "minor"), [
    ("50000", "VND", 50_000), ("50.000", "VND", 50_000), ("1 500 000", "VND", 1_500_000),
    ("1,500,000", "VND", 1_500_000), ("19.99", "USD", 1999), ("19,99", "USD", 1999),
    ("1,500.00", "LKR", 150_000), ("1.500,5", "LKR", 150_050), ("1,500", "USD", 150_000),
])  # fmt: skip
def test_amounts_are_read_as_people_type_them(text, currency, minor):
    assert typed_amount(text, currency).minor == minor


@pytest.mark.parametrize("text", [
    "", "0", "-5", "1e5", "50,00.0", "5.00.0", "٥٠", "five", "9" * 30, "50.5", ".", "50.00",
    "50.0000", "1.500,000", "50.000,00",
])  # fmt: skip
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(HubError):
        typed_amount(text, "VND")
