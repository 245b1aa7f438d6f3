"""The code of a gift card appears in its own places only, and nobody guesses one for long."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tallystick.products.gift_cards.codes import Mint
from tests.http.callers import key_of
from tests.http.conftest import OpenShop
from tests.http.shop import Shop, eventually
from tests.http.test_gift_cards import Gift, buy, letter_files

STRANGER = Mint.of(b"not the secret of any running hub", "HOL-GIFT-")
LIMITS = json.dumps(
    {"gift_card_guesses": "5 per 1 hour", "gift_card_guesses_in_all": "8 per 1 hour"}
)


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """A hub of its own that writes down everything it may."""
    return open_shop(
        TALLYSTICK_LOG_LEVEL="debug",
        TALLYSTICK_RATE_LIMITS="true",
        TALLYSTICK_RATE_LIMIT_OVERRIDES=LIMITS,
    )


def told(shop: Shop, gift: Gift) -> str:
    """Everything that this hub answers about a card, but for the two places of the code."""
    code, ids = gift.paid(), gift.sold
    key, order = shop.server.secret_key, {"onePayOrderId": ids["onePayOrderId"]}
    path = f"/api/gift-cards/{code}"
    answers = [
        shop.get(path),
        shop.post(f"{path}/redeem", json={"amount": 1, "reference": "r1"},
                  headers={"idempotency-key": "k1"}),
        shop.post(f"{path}/redeem", json={"amount": 10**9, "reference": "r2"}),
        shop.post(f"{path}/holds", json={"amount": 1, "reference": "r3"}),
        shop.post(f"{path}/freeze"), shop.post(f"{path}/unfreeze"),
        shop.post(f"{path}/redeem", raw=b"{"), shop.send("PUT", path),
        shop.get(f"/api/payments/{gift.id}"), shop.get(f"/api/payments/{gift.id}/why"),
        shop.get(f"/api/payments/{gift.id}/status", token=gift.token),
        shop.get("/api/payments"), shop.get("/metrics", token=None),
        shop.get(f"/gift-cards/{ids['id']}", token=None),
        shop.post("/checkGiftCardPayment", json=order, token=None),
        shop.post("/checkOnePayOrderStatus", json=order),
    ]  # fmt: skip
    with shop.line.watch(f"/api/payments/{gift.id}/stream", token=key) as stream:
        events = [event.data for event in stream.rest()]
    return "\n".join([json.dumps(ids), *(f"{one.headers} {one.text}" for one in answers), *events])


def files_of(shop: Shop) -> dict[str, bytes]:
    """Every file of this hub but for its letters, and its database where that is a file."""
    file = Path(shop.server.database.removeprefix("sqlite:///"))
    folder = file.parent if file.is_absolute() else shop.server.folder
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".mail" not in str(path)
    }


def dumped(shop: Shop) -> str:
    """Every row of the tables that have to do with a card."""
    tables = (
        "gift_cards", "gift_card_movements", "gift_card_holds", "jobs", "outbox", "events",
        "evidence", "idempotency", "payments", "attempts", "transfers", "postings",
    )  # fmt: skip
    return "\n".join(str(shop.rows(f"SELECT * FROM {table}")) for table in tables)


def test_the_code_is_in_no_answer_no_stream_no_log_and_no_file_but_its_own(shop):
    gift = buy(shop, email="canary@example.com")
    said = told(shop, gift)
    code = gift.asked()["code"]
    canary = code.removeprefix("HOL-GIFT-")
    (letter,) = eventually(lambda: letter_files(shop), lambda files: len(files) == 1)

    assert canary not in said
    assert canary not in dumped(shop)
    assert canary not in shop.server.stderr + shop.server.stdout
    assert [name for name, raw in files_of(shop).items() if canary.encode() in raw] == []
    assert canary in letter.read_text()
    assert "/api/gift-cards/…" in shop.server.stderr
    shop.audit()


def test_who_guesses_is_stopped_alone_first_and_then_all_are(shop):
    code = buy(shop).paid()
    other = key_of(shop, "operator")

    def guess(token: str) -> int:
        return shop.get(f"/api/gift-cards/{STRANGER.draw()}", token=token).status

    with ThreadPoolExecutor(8) as crowd:
        mine = list(crowd.map(guess, [shop.server.secret_key] * 12))
    assert (mine.count(404), mine.count(429)) == (5, 7)
    refused = shop.get(f"/api/gift-cards/{code}")
    assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) > 0
    assert shop.get(f"/api/gift-cards/{code}", token=other).status == 200
    everybody = [guess(key_of(shop, "operator")) for _ in range(6)]

    assert everybody.count(404) <= 3
    assert everybody[-1] == 429
    assert shop.metric('tallystick_gift_card_guesses_total{outcome="wrong"}') >= 5


def test_what_can_be_no_code_is_answered_like_an_unknown_one(shop):
    unknown = shop.get(f"/api/gift-cards/{STRANGER.draw()}")
    nonsense: list[Any] = [shop.get(f"/api/gift-cards/{text}") for text in ("x", "%F0%9F%8E%81")]

    for answer in nonsense:
        assert answer.status == 404
        same = {name: value for name, value in answer.json.items() if name != "requestId"}
        assert same == {name: unknown.json[name] for name in same}
