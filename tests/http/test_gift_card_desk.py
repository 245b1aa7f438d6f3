"""What a merchant's desk does with gift cards: find one, send its letter again, offer amounts."""

from __future__ import annotations

from itertools import count
from urllib.parse import urlencode

import pytest

from tests.http.callers import key_of, user_token
from tests.http.shop import Shop, eventually
from tests.http.test_gift_cards import Gift, buy, letters

ENVIRONMENT = {
    "TALLYSTICK_GIFT_CARD_AMOUNTS": '{"VND": [200000, 50000, 100000], "USD": [2000]}',
    "TALLYSTICK_GIFT_CARD_LIMITS": '{"VND": [1000, 2000]}',
}
NUMBERS = count()


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def buyer() -> str:
    """An address that nobody bought with before."""
    return f"Thu{next(NUMBERS)}@Example.com"


def bought(shop: Shop, **wish) -> Gift:
    """A card of somebody new."""
    return buy(shop, **{"email": buyer(), **wish})


def resent(shop: Shop, name: str, body: dict | None = None, **words):
    """The answer to the wish for another letter."""
    return shop.post(f"/api/gift-cards/{name}/resend", json=body or {}, **words)


def ids(shop: Shop, **query) -> list[str]:
    """The cards that a list shows."""
    answer = shop.get(f"/api/gift-cards?{urlencode(query)}")
    assert answer.status == 200, answer.text
    return [row["id"] for row in answer.data]


def letters_of(shop: Shop, to: str, many: int):
    """So many letters, once they have left."""
    return eventually(lambda: letters(shop, to), lambda found: len(found) >= many)


def test_a_card_is_found_by_email_payment_order_and_state_and_its_code_is_nowhere(shop):
    email = buyer()
    first, second = buy(shop, email=email), buy(shop, email=email, gateway="onepay")
    code = first.paid()
    second.is_offered()
    onepay = second.sold["onePayOrderId"]

    rows = {row["id"]: row for row in shop.get(f"/api/gift-cards?email={email.lower()}").data}

    assert list(rows) == [second.sold["id"], first.sold["id"]]
    paid, unpaid = rows[first.sold["id"]], rows[second.sold["id"]]
    assert (paid["status"], paid["balance"], paid["held"]) == ("active", 50_000, 0)
    assert (unpaid["status"], unpaid["balance"], unpaid["issuedAt"]) == ("pending", 0, None)
    assert (unpaid["gateway"], unpaid["gatewayOrderId"]) == ("onepay", onepay)
    assert paid["email"] == email
    assert ids(shop, order=onepay) == [second.sold["id"]]
    assert ids(shop, order=first.sold["orderCode"]) == [first.sold["id"]]
    assert ids(shop, payment=first.id) == [first.sold["id"]]
    assert ids(shop, email=email, state="active") == [first.sold["id"]]
    assert ids(shop, order=onepay, payment=first.id) == []
    assert ids(shop, email="nobody@example.com") == []
    assert code[9:] not in shop.get(f"/api/gift-cards?email={email}").text
    known = shop.get(f"/api/gift-cards/{first.sold['id']}").data
    assert {**known, "history": None} == {
        **{name: paid[name] for name in known if name != "history"}, "history": None,
    }  # fmt: skip


def test_the_list_goes_on_page_by_page_and_tells_what_is_spent_and_held(shop):
    email = buyer()
    cards = [buy(shop, email=email)]
    between = shop.now().isoformat()
    cards += [buy(shop, email=email) for _ in range(2)]
    code = cards[0].paid()
    for verb, amount in (("redeem", 20_000), ("holds", 10_000)):
        shop.post(f"/api/gift-cards/{code}/{verb}", json={"amount": amount, "reference": "o-1"})

    page = shop.get(f"/api/gift-cards?email={email}&limit=2")
    rest = shop.get(
        f"/api/gift-cards?email={email}&limit=2&cursor={page.json['pagination']['nextCursor']}"
    )

    told = [row["id"] for row in (*page.data, *rest.data)]
    assert told == [card.sold["id"] for card in reversed(cards)]
    assert rest.json["pagination"]["hasMore"] is False
    oldest = rest.data[0]
    assert (oldest["amount"], oldest["balance"], oldest["held"]) == (50_000, 20_000, 10_000)
    assert ids(shop, email=email, createdAfter=between) == told[:2]
    assert ids(shop, email=email, createdBefore=between) == told[2:]


@pytest.mark.parametrize("query", ["state=paid", "mail=a@example.com", "limit=0", "cursor=x"])
def test_a_wrong_filter_of_the_list_is_refused_and_never_ignored(shop, query):
    answer = shop.get(f"/api/gift-cards?{query}")

    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == query.partition("=")[0]


def test_only_a_key_sees_who_bought_cards_and_only_an_operator_sends_letters(shop):
    gift = bought(shop)
    gift.paid()
    name, reader = gift.sold["id"], key_of(shop, "reader")

    for token in (None, gift.token, user_token(shop, "mai")):
        assert shop.get("/api/gift-cards", token=token).status in {401, 403}
        assert resent(shop, name, token=token).status in {401, 403}
    assert shop.get("/api/gift-cards", token=reader).status == 200
    assert resent(shop, name, token=reader).status == 403


def test_a_lost_letter_is_sent_again_with_the_same_code_as_a_letter_of_its_own(shop):
    gift = bought(shop)
    code = gift.paid()
    [row] = shop.get(f"/api/gift-cards?payment={gift.id}").data
    letters_of(shop, row["email"], 1)

    answer = resent(shop, row["id"])

    assert answer.status == 202
    assert answer.data["email"] == row["email"]
    sent = letters_of(shop, row["email"], 2)
    assert all(code in letter.get_content() for letter in sent)
    assert len({letter["Message-ID"] for letter in sent}) == 2
    [told] = shop.get(f"/api/payments/{gift.id}/why").data["decisions"]
    assert (told["action"], told["by"][:4]) == ("resent", "key_")
    assert "@" not in told["reason"]


def test_a_letter_to_a_mistyped_address_goes_to_the_right_one_which_the_card_has_from_then_on(shop):
    wrong, right = buyer(), buyer()
    gift = buy(shop, email=wrong)
    code = gift.paid()
    letters_of(shop, wrong, 1)

    answer = resent(shop, code, {"email": right})

    assert (answer.status, answer.data["email"]) == (202, right)
    [letter] = letters_of(shop, right, 1)
    assert code in letter.get_content()
    assert gift.asked()["email"] == right
    assert (ids(shop, email=right), ids(shop, email=wrong)) == ([gift.sold["id"]], [])
    assert len(letters(shop, wrong)) == 1


def test_the_same_wish_for_a_letter_twice_is_one_letter(shop):
    gift = bought(shop)
    code, to = gift.paid(), buyer()
    key = {"idempotency-key": f"again-{next(NUMBERS)}"}

    first, second = (resent(shop, code, {"email": to}, headers=key) for _ in range(2))
    other = resent(shop, code, {"email": buyer()}, headers=key)

    assert (first.status, second.status, second.json) == (202, 202, first.json)
    assert second.headers["idempotent-replayed"] == "true"
    assert other.status == 422
    letters_of(shop, to, 1)
    written = "SELECT count(*) FROM jobs WHERE dedupe_key LIKE 'gift_card/{}/%'"
    assert shop.rows(written.format(gift.sold["id"])) == [(1,)]


@pytest.mark.parametrize("email", ["nobody", "a@b", "x" * 300 + "@example.com", 5])
def test_an_address_that_no_letter_reaches_is_refused_and_the_old_one_stays(shop, email):
    gift = bought(shop)
    gift.paid()

    answer = resent(shop, gift.sold["id"], {"email": email})

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "email")
    assert gift.asked()["email"].startswith("Thu")


def test_no_letter_goes_out_for_a_card_whose_code_is_of_no_use(shop):
    gift = bought(shop)
    name = gift.sold["id"]

    def refusal() -> str:
        answer = resent(shop, name)
        assert (answer.status, answer.json["code"]) == (409, "conflict")
        return str(answer.json["detail"])

    assert "no code before it is paid" in refusal()
    code = gift.paid()
    shop.post(f"/api/gift-cards/{name}/freeze")
    assert "unfreeze it first" in refusal()
    shop.post(f"/api/gift-cards/{name}/unfreeze")
    shop.post(f"/api/gift-cards/{code}/redeem", json={"amount": 50_000, "reference": "all"})
    assert "spent" in refusal()
    other = bought(shop)
    other.paid()
    name = other.sold["id"]
    shop.post(f"/api/payments/{other.id}/refunds", json={"reason": "changed their mind"})
    eventually(lambda: shop.get(f"/api/gift-cards/{name}").data["status"],
               lambda status: status == "revoked")  # fmt: skip
    assert "money went back" in refusal()
    assert resent(shop, name.replace("gc_0", "gc_7")).status == 404


def test_nothing_is_spent_by_a_cards_id_which_is_no_secret(shop):
    gift = bought(shop)
    gift.paid()
    name, wish = gift.sold["id"], {"amount": 1_000, "reference": "o-1"}

    answers = [shop.post(f"/api/gift-cards/{name}/{verb}", json=wish) for verb in
               ("redeem", "holds")]  # fmt: skip

    assert [answer.status for answer in answers] == [404, 404]
    assert shop.get(f"/api/gift-cards/{name}").data["balance"] == 50_000


def test_only_the_amounts_on_offer_are_sold_and_a_refusal_names_them(shop):
    def asked(**wish):
        body = {"email": buyer(), "gateway": "sandbox", **wish}
        return shop.post("/api/gift-cards", json=body, token=None)

    other, foreign = asked(amount=60_000), asked(amount=60_000, currency="LKR")

    assert (other.status, other.json["errors"][0]["field"]) == (400, "amount")
    assert "50000 VND, 100000 VND, 200000 VND" in other.json["detail"]
    assert (foreign.status, foreign.json["errors"][0]["field"]) == (400, "currency")
    assert "VND, USD" in foreign.json["detail"]
    assert asked(amount=100_000).status == asked(amount=2_000, currency="USD").status == 201


def test_the_page_offers_the_amounts_to_choose_from_and_sells_no_other(shop):
    def sent(**typed):
        form = {"email": buyer(), "gateway": "sandbox", **typed}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return shop.post("/gift-cards", raw=urlencode(form), headers=headers, token=None)

    page = shop.get("/gift-cards", token=None, headers={"accept-language": "en"}).text

    assert '<option value="50000 VND">₫50,000</option>' in page
    assert '<option value="20.00 USD">' in page
    assert 'name="currency"' not in page
    assert sent(amount="20.00 USD").status == sent(amount="50.000", currency="VND").status == 303
    refused = sent(amount="60000 VND")
    assert refused.status == 400
    assert 'id="amount-wrong"' in refused.text
    assert sent(amount="20.00 VND").status == sent(amount=" USD").status == 400
