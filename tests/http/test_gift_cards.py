"""Gift cards over HTTP: the routes of old and ours, and who may do what with a code."""

from __future__ import annotations

import base64
import contextlib
import email
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest

from tests.http.callers import key_of, user_token
from tests.http.shop import Sale, Shop, eventually

CODE = re.compile(r"HOL-GIFT-[0-9A-HJKMNP-TV-Z]{18}")
WISH = {"email": "lan@example.com", "amount": 50_000}


@dataclass(slots=True)
class Gift(Sale):
    """A gift card that somebody buys without any key; `sold` is the answer to that."""

    sold: dict[str, Any] = field(default_factory=dict)

    def asked(self, **words: Any) -> dict[str, Any]:
        """What its buyer's page is told; without a token where that is wished."""
        body = {"onePayOrderId": self.sold["onePayOrderId"]}
        words = {"token": self.token, **words}
        answer = self.shop.post("/checkGiftCardPayment", json=body, **words)
        assert answer.status == 200, answer.text
        told: dict[str, Any] = answer.json
        return told

    def paid(self) -> str:
        """Pay, and wait for the code."""
        self.act("pay")
        told = eventually(self.asked, lambda seen: seen["status"] == "PAID")
        return str(told["code"])


def buy(shop: Shop, **wish: Any) -> Gift:
    """Somebody buys a gift card at the sandbox, unless another gateway is wished."""
    answer = shop.post(
        "/api/gift-cards", json={**WISH, "gateway": "sandbox", **wish}, token=None,
        headers={"accept-language": "vi"},
    )  # fmt: skip
    assert answer.status == 201, answer.text
    return of_answer(shop, answer.json)


def of_answer(shop: Shop, sold: dict[str, Any]) -> Gift:
    """The card of an answer."""
    return Gift(shop, sold["paymentId"], sold["clientToken"], sold=sold)


def letter_files(shop: Shop) -> list[Path]:
    """The letters in the mail folder, which is made with the first one."""
    with contextlib.suppress(StopIteration):
        return sorted(shop.own_file(".mail").glob("*.eml"))
    return []


def letters(shop: Shop, to: str) -> list[EmailMessage]:
    """The letters that have left to somebody."""
    found = [
        email.message_from_bytes(path.read_bytes(), EmailMessage, policy=modern)
        for path in letter_files(shop)
    ]
    return [one for one in found if one["To"] == to]


@pytest.fixture(autouse=True)
def _balanced(shop: Shop):
    """After each story the books balance."""
    yield
    shop.audit()


def test_a_gift_card_is_offered_in_the_fields_that_the_callers_of_old_know(shop):
    answer = shop.post("/api/gift-cards", json=WISH, token=None)

    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    sold = answer.json
    assert set(sold) >= {
        "orderCode", "onePayOrderId", "vaNumber", "qrCode", "qrCodeUrl", "amount", "expiredAt",
        "giftCardCode", "id", "clientToken", "gateway", "gatewayOrderId",
    }  # fmt: skip
    assert sold["giftCardCode"] is None
    assert (sold["gateway"], sold["amount"], sold["currency"]) == ("onepay", 50_000, "VND")
    assert sold["onePayOrderId"] == sold["gatewayOrderId"]
    assert sold["id"].startswith("gc_")
    assert sold["clientToken"].startswith("tct_")
    assert sold["vaNumber"].isalnum()
    picture = base64.b64decode(sold["qrCodeUrl"].removeprefix("data:image/svg+xml;base64,"))
    assert picture.startswith(b"<svg xmlns=")


def test_a_card_bought_at_onepay_is_asked_about_until_it_is_paid(shop):
    gift = buy(shop, gateway="onepay")
    order = {"onePayOrderId": gift.sold["onePayOrderId"]}
    before = shop.post("/checkOnePayOrderStatus", json=order, token=None)

    code = gift.paid()

    assert before.json == {"orderId": order["onePayOrderId"], "status": "Pending", "amount": 50_000}
    assert CODE.fullmatch(code)
    after = shop.post("/checkOnePayOrderStatus", json=order, token=None)
    assert after.json == {"orderId": order["onePayOrderId"], "status": "Paid", "amount": 50_000}


def test_the_code_is_shown_to_its_buyer_and_the_merchant_and_to_nobody_else(shop):
    gift, other = buy(shop), buy(shop)
    assert gift.asked() == {"status": "Pending"}
    code = gift.paid()

    whole = {"status": "PAID", "code": code, "amount": 50_000, "email": "lan@example.com"}
    assert gift.asked() == whole
    assert gift.asked(token=shop.server.secret_key) == whole
    for stranger in (None, other.token, key_of(shop, "reader"), user_token(shop, "user-1")):
        assert gift.asked(token=stranger) == {"status": "PAID"}


def test_a_user_of_the_merchants_app_sees_the_code_of_the_card_that_they_bought(shop):
    mine = user_token(shop, "user-7")
    answer = shop.post("/api/gift-cards", json={**WISH, "gateway": "sandbox"}, token=mine)
    gift = of_answer(shop, answer.json)
    code = gift.paid()

    assert gift.asked(token=mine)["code"] == code


def test_an_order_that_nobody_knows_is_answered_as_before(shop):
    plain = shop.payment(gateway="payos")
    order = shop.rows(f"SELECT provider_id FROM attempts WHERE payment_id = '{plain.id}'")[0][0]
    for name in ("nothing", order, "../x", "' OR 1=1"):
        answer = shop.post("/checkGiftCardPayment", json={"onePayOrderId": name}, token=None)
        assert answer.json == {"status": "PENDING", "message": "Gift card not found in system"}
        known = shop.post("/checkOnePayOrderStatus", json={"onePayOrderId": name}, token=None)
        assert (known.status, known.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/checkGiftCardPayment", "/checkOnePayOrderStatus"])
def test_a_bad_body_and_another_method_are_refused_in_the_words_of_old(shop, path):
    bodies = (b"", b"{", b"[]", b"{}", b'{"onePayOrderId": 7}', b'{"onePayOrderId": ""}',
              b'{"onePayOrderId": "a", "more": 1}', b'{"onePayOrderId": "\\u0000"}')  # fmt: skip
    for raw in bodies:
        answer = shop.post(path, raw=raw, token=None)
        assert (answer.status, answer.json) == (400, {"error": "Invalid request"}), raw
    for method in ("GET", "PUT", "DELETE"):
        assert shop.send(method, path, token=None).status == 405


def test_a_wish_that_makes_no_sense_is_refused(shop):
    wrongs: list[dict[str, Any]] = [
        {"email": "nobody"}, {"email": "a@b"}, {"email": "a@b.vn\r\nBcc: c@d.vn"}, {"email": None},
        {"amount": 0}, {"amount": -1}, {"amount": 1.5}, {"amount": "50000"}, {"amount": True},
        {"currency": "VNX"}, {"currency": "USD"}, {"gateway": "nobody"}, {"language": "fr"},
        {"code": "HOL-GIFT-X"},
    ]  # fmt: skip
    for wrong in wrongs:
        answer = shop.post("/api/gift-cards", json={**WISH, **wrong}, token=None)

        assert answer.status == 400, (wrong, answer.text)
        assert answer.json["detail"]


def test_the_letter_is_in_the_buyers_language_and_comes_once(shop):
    gift = buy(shop, email="mot@example.com")
    code = gift.paid()

    (letter,) = eventually(lambda: letters(shop, "mot@example.com"), lambda seen: len(seen) == 1)

    assert letter["Content-Language"] == "vi"
    assert letter["Subject"] == "Thẻ quà tặng 50.000 VND của bạn"
    assert code in letter.get_content()
    assert letter["Message-ID"].endswith("@127.0.0.1>")


def test_fifty_notices_polls_and_checks_at_once_make_one_card_one_posting_and_one_letter(shop):
    gift = buy(shop, gateway="payos", email="race@example.com")

    def knock(number: int) -> object:
        if number == 0:
            return gift.act("repeat_webhook", times=20)
        if number % 2:
            return gift.asked()
        return shop.post(f"/api/payments/{gift.id}/check").status

    with ThreadPoolExecutor(50) as crowd:
        list(crowd.map(knock, range(50)))
    code = eventually(gift.asked, lambda seen: seen["status"] == "PAID")["code"]

    eventually(lambda: letters(shop, "race@example.com"), lambda seen: len(seen) == 1)
    shop.advance(3600)
    assert gift.asked()["code"] == code
    (letter,) = letters(shop, "race@example.com")
    assert code in letter.get_content()
    account = f"account = 'gift_card:{gift.sold['id']}'"
    assert shop.rows(f"SELECT amount FROM postings WHERE {account}") == [(-50_000,)]
    jobs = f"kind = 'send_mail' AND dedupe_key = 'gift_card/{gift.sold['id']}'"
    assert shop.rows(f"SELECT state, tries FROM jobs WHERE {jobs}") == [("done", 1)]
    assert gift.counted("fulfilments") == 1


def test_a_merchant_spends_a_card_in_parts_and_reads_how_it_came_to_that(shop):
    code = buy(shop).paid()
    path = f"/api/gift-cards/{code}"

    first = shop.post(f"{path}/redeem", json={"amount": 20_000, "reference": "order-1"})
    again = shop.post(f"{path}/redeem", json={"amount": 20_000, "reference": "order-1"})
    other = shop.post(f"{path}/redeem", json={"amount": 1, "reference": "order-1"})
    too_much = shop.post(f"{path}/redeem", json={"amount": 30_001, "reference": "order-2"})

    assert (first.status, first.data["balance"]) == (200, 30_000)
    assert again.json == first.json
    assert (other.status, other.json["code"]) == (409, "conflict")
    assert (too_much.status, too_much.json["code"]) == (409, "insufficient_funds")
    shown = shop.get(path.lower()).data
    assert (shown["status"], shown["amount"], shown["balance"]) == ("active", 50_000, 30_000)
    assert [(line["type"], line["amount"], line["balance"]) for line in shown["history"]] == [
        ("issue", 50_000, 50_000), ("redeem", 20_000, 30_000),
    ]  # fmt: skip
    assert code not in json.dumps([first.json, shown, too_much.json, other.json])


def test_two_hundred_redemptions_at_once_never_overspend(shop):
    code = buy(shop).paid()

    def spend(number: int) -> int:
        wanted = {"amount": 400, "reference": f"order-{number}"}
        return shop.post(f"/api/gift-cards/{code}/redeem", json=wanted).status

    with ThreadPoolExecutor(40) as tills:
        answers = list(tills.map(spend, range(200)))

    assert (answers.count(200), answers.count(409)) == (125, 75)
    assert shop.get(f"/api/gift-cards/{code}").data["balance"] == 0


def test_a_part_is_held_while_an_order_is_made_and_captured_or_released(shop):
    path = f"/api/gift-cards/{buy(shop).paid()}"
    held = shop.post(f"{path}/holds", json={"amount": 40_000, "reference": "order-1"})
    assert (held.status, held.data["status"]) == (201, "held")
    other = shop.post(f"{path}/holds", json={"amount": 5_000, "reference": "order-2"}).data["id"]
    assert (shop.get(path).data["balance"], shop.get(path).data["held"]) == (5_000, 45_000)

    taken = shop.post(f"{path}/holds/{held.data['id']}/capture", json={"amount": 10_000})
    free = shop.post(f"{path}/holds/{other}/release")

    assert (taken.status, taken.data["status"], taken.data["captured"]) == (200, "captured", 10_000)
    assert (free.status, free.data["status"]) == (200, "released")
    assert shop.post(f"{path}/holds/{other}/capture", json={}).status == 409
    assert shop.post(f"{path}/holds/hold_x/release").status == 404
    assert (shop.get(path).data["balance"], shop.get(path).data["held"]) == (40_000, 0)


def test_a_hold_that_nobody_ends_is_released_when_its_time_is_over(shop):
    path = f"/api/gift-cards/{buy(shop).paid()}"
    wanted = {"amount": 40_000, "reference": "order-1", "expiresIn": 3600}
    shop.post(f"{path}/holds", json=wanted)

    shop.advance(3600 + 600)

    assert shop.get(path).data["balance"] == 50_000


def test_a_frozen_card_cannot_be_spent(shop):
    path = f"/api/gift-cards/{buy(shop).paid()}"

    frozen = [shop.post(f"{path}/freeze").data["status"] for _ in range(2)]
    refused = shop.post(f"{path}/redeem", json={"amount": 1, "reference": "order-1"})
    thawed = shop.post(f"{path}/unfreeze").data["status"]

    assert (frozen, thawed) == (["frozen", "frozen"], "active")
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert shop.post(f"{path}/redeem", json={"amount": 1, "reference": "order-1"}).status == 200


def test_a_redemption_that_makes_no_sense_is_refused(shop, card):
    wrongs: list[dict[str, Any]] = [
        {"amount": 0}, {"amount": 1.5}, {"amount": "1"}, {"amount": None}, {"reference": ""},
        {"reference": "x" * 101}, {"reference": "a\x00"}, {"reference": None}, {"more": 1},
        {"currency": "USD"},
    ]  # fmt: skip
    for wrong in wrongs:
        wanted = {"amount": 1, "reference": "order-1", **wrong}
        answer = shop.post(f"/api/gift-cards/{card}/redeem", json=wanted)

        assert answer.status == 400, (wrong, answer.text)


@pytest.fixture(scope="module")
def card(shop: Shop) -> str:
    """The code of a card that is only looked at."""
    return buy(shop).paid()


def test_who_may_look_at_a_card_and_who_may_spend_it(shop, card):
    path = f"/api/gift-cards/{card}"
    reader, user = key_of(shop, "reader"), user_token(shop, "user-1")
    spend = {"json": {"amount": 1, "reference": "order-1"}}

    assert shop.get(path, token=reader).status == 200
    assert shop.post(f"{path}/redeem", token=reader, **spend).status == 403
    assert shop.post(f"{path}/freeze", token=reader).status == 403
    for stranger in (None, user):
        assert shop.get(path, token=stranger).status == 401
        assert shop.post(f"{path}/redeem", token=stranger, **spend).status == 401
        assert shop.post(f"{path}/freeze", token=stranger).status == 401


def test_the_same_idempotency_key_spends_once_and_is_not_kept_beside_the_code(shop):
    code = buy(shop).paid()
    path, key = f"/api/gift-cards/{code}/redeem", {"idempotency-key": "spend-1"}
    wanted = {"amount": 1_000, "reference": "order-1"}

    first = shop.post(path, json=wanted, headers=key)
    again = shop.post(path, json=wanted, headers=key)
    other = shop.post(path, json={**wanted, "amount": 2_000}, headers=key)

    assert (again.json, again.headers["idempotent-replayed"]) == (first.json, "true")
    assert other.status == 422
    kept = shop.rows("SELECT scope FROM idempotency")
    assert code not in str(kept)


def test_the_same_idempotency_key_sells_one_card(shop):
    key, wish = {"idempotency-key": "buy-1"}, {**WISH, "gateway": "sandbox"}

    first = shop.post("/api/gift-cards", json=wish, headers=key)
    again = shop.post("/api/gift-cards", json=wish, headers=key)

    assert again.json == first.json


def test_an_offer_that_runs_out_and_one_that_is_canceled_say_so(shop):
    late, taken_back = buy(shop), buy(shop)
    taken_back.cancel()
    assert taken_back.asked() == {"status": "Cancelled"}

    shop.advance(3600 + 600)

    assert late.asked() == {"status": "Expired"}
    assert CODE.fullmatch(late.paid())


def test_the_sandbox_finds_a_gift_card_by_its_id(shop):
    gift = buy(shop)

    answer = shop.post("/_sim/act", json={"reference": gift.sold["id"], "act": "pay"})

    assert answer.data["paymentId"] == gift.id
