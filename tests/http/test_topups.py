"""Top-ups and wallets over HTTP: started, watched, confirmed once, and never overdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Semaphore
from typing import Any

import pytest

from tests.http.callers import key_of, user_token
from tests.http.products import Topup
from tests.http.shop import Shop, eventually

ENVIRONMENT = {"TALLYSTICK_STREAM_HEARTBEAT_S": "0.4"}
UNKNOWN = "top_00000000000000000000000000"
_users = count(1)


@pytest.fixture
def owner() -> str:
    """A user that no other test has."""
    return f"user-{next(_users)}"


@pytest.fixture
def topup(shop: Shop, owner: str) -> Topup:
    """50.000 ₫ that nobody has paid yet, at payOS."""
    return Topup(shop, owner)


@pytest.fixture(autouse=True)
def _balanced(shop: Shop) -> Iterator[None]:
    """After each test the books balance."""
    yield
    shop.audit()


def balance(shop: Shop, owner: str, currency: str = "VND") -> int:
    """What is in a wallet."""
    return int(shop.get(f"/api/wallets/{owner}").data["balances"].get(currency, 0))


def filled(shop: Shop, owner: str, amount: int = 50_000) -> Topup:
    """A wallet with money in it."""
    topup = Topup(shop, owner, amount=amount, gateway="sandbox")
    topup.act("pay")
    topup.confirmed()
    return topup


def spend(shop: Shop, owner: str, amount: int, reference: str, **words: Any):
    """The merchant takes money from a wallet."""
    wish = {"amount": amount, "currency": "VND", "reference": reference}
    return shop.post(f"/api/wallets/{owner}/spend", json=wish, **words)


def test_a_user_starts_a_top_up_and_gets_what_is_needed_to_pay(topup):
    started = topup.started

    assert started["txRef"] == started["tx_ref"]
    assert started["status"] == "pending"
    assert (started["amount"], started["currency"]) == (50_000, "VND")
    assert started["checkoutUrl"].startswith("http")
    assert started["qrCode"].startswith("000201")
    assert isinstance(started["orderCode"], int)
    assert started["clientToken"].startswith("tct_")


def test_a_key_starts_a_top_up_for_a_user(shop, owner):
    wish = {"amount": 50_000, "ownerId": owner, "gateway": "sandbox"}
    started = shop.post("/api/topup/init", json=wish)
    nobody = shop.post("/api/topup/init", json={"amount": 50_000})
    reader = shop.post("/api/topup/init", json=wish, token=key_of(shop, "reader"))

    assert started.status == 201
    assert started.data["ownerId"] == owner
    assert (nobody.status, nobody.json["errors"][0]["field"]) == (400, "ownerId")
    assert reader.status == 403


@pytest.mark.parametrize(("body", "status"), [
    ({}, 400), ({"amount": 0}, 400), ({"amount": -1}, 400), ({"amount": 1.5}, 400),
    ({"amount": "50000"}, 400), ({"amount": 50_000, "currency": "XXX"}, 400),
    ({"amount": 50_000, "gateway": "nobody"}, 400), ({"amount": 50_000, "currency": "USD"}, 400),
    ({"amount": 50_000, "returnUrl": "javascript:x"}, 400), ({"amount": 50_000, "more": 1}, 400),
    ({"amount": 50_000, "ownerId": "somebody-else"}, 403),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_in_words(shop, owner, body, status):
    answer = shop.post("/api/topup/init", json=body, token=user_token(shop, owner))

    assert answer.status == status
    assert answer.json["code"]


def test_the_same_start_twice_is_one_top_up(shop, owner):
    key, jwt = {"idempotency-key": f"start-{owner}"}, user_token(shop, owner)
    first, second = (
        shop.post("/api/topup/init", json={"amount": 50_000}, token=jwt, headers=key)
        for _ in range(2)
    )

    assert first.json == second.json
    assert second.headers["idempotent-replayed"] == "true"


def test_a_paid_top_up_is_confirmed_and_stands_in_the_wallet(shop, topup):
    topup.act("pay")
    told = topup.confirmed()

    assert told["final"]
    assert told["confirmed_at"].endswith("Z")
    assert balance(shop, topup.owner) == 50_000
    (entry,) = shop.get(f"/api/wallets/{topup.owner}/entries").data
    assert (entry["type"], entry["amount"], entry["tx_ref"]) == ("topup", 50_000, topup.tx_ref)
    news = shop.rows(f"SELECT type FROM outbox WHERE subject = '{topup.tx_ref}'")
    assert news == [("topup.confirmed",)]


def test_a_top_up_that_its_owner_gives_up_has_failed(shop, topup):
    topup.act("cancel")

    assert eventually(topup.status, lambda told: told["status"] == "failed")["final"]
    assert balance(shop, topup.owner) == 0


def test_an_expired_top_up_that_is_paid_late_fills_the_wallet_all_the_same(shop, owner):
    topup = Topup(shop, owner, gateway="sandbox")
    shop.advance(86_400 + 60)
    assert topup.status()["status"] == "expired"

    topup.act("pay_late")

    assert topup.confirmed()["late"]
    assert balance(shop, owner) == 50_000


def test_too_little_is_not_confirmed_and_not_in_the_wallet(shop, topup):
    topup.act("underpay")
    topup.becomes("open", amountState="partial")

    assert topup.status()["status"] == "pending"
    assert balance(shop, topup.owner) == 0


def test_the_status_is_for_the_owner_and_nobody_else(shop, topup):
    path = f"/api/topup/status?tx_ref={topup.tx_ref}"
    stranger = user_token(shop, "somebody-else")
    unknown = shop.get(f"/api/topup/status?tx_ref={UNKNOWN}", token=topup.jwt)
    foreign = shop.get(path, token=stranger)

    assert shop.get(path, token=topup.jwt).status == 200
    assert shop.get(path, token=topup.token).status == 200
    assert shop.get(path, token=None).status == 401
    assert (foreign.status, unknown.status) == (404, 404)
    assert foreign.json["detail"] == unknown.json["detail"]
    for bad in ("", "x", "a%20b%20c%20d%20e", "%27%3B--------", "%C3%A9" * 9, "x" * 65):
        assert shop.get(f"/api/topup/status?tx_ref={bad}", token=topup.jwt).status == 400
    assert shop.get("/api/topup/status", token=topup.jwt).status == 400


def test_an_unchanged_status_costs_a_304(shop, topup):
    path = f"/api/topup/status?tx_ref={topup.tx_ref}"
    tag = shop.get(path, token=topup.jwt).headers["etag"]

    again = shop.get(path, token=topup.jwt, headers={"if-none-match": tag})

    assert (again.status, again.text) == (304, "")


def test_the_stream_tells_of_the_money_at_once_by_the_old_event_name(shop, topup):
    path = f"/api/topup/stream?tx_ref={topup.tx_ref}"
    with shop.line.watch(path, token=topup.jwt) as stream:
        first = next(stream.events)
        beat = stream.next("heartbeat")
        topup.act("pay")
        last = stream.rest()[-1]

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert (first.name, first.json["status"]) == ("status-update", "pending")
    assert beat.name == "heartbeat"
    assert (last.name, last.json["status"]) == ("status-update", "confirmed")
    assert {"tx_ref", "status", "amount", "confirmed_at"} <= last.json.keys()
    with shop.line.watch(path, token=topup.jwt, headers={"last-event-id": last.id}) as after:
        assert after.status == 204


def test_the_stream_is_for_the_owner_and_nobody_else(shop, topup):
    path = f"/api/topup/stream?tx_ref={topup.tx_ref}"
    asked = {
        "none": shop.get(path, token=None),
        "foreign": shop.get(path, token=user_token(shop, "somebody-else")),
        "unknown": shop.get(f"/api/topup/stream?tx_ref={UNKNOWN}", token=topup.jwt),
        "bad": shop.get("/api/topup/stream?tx_ref=no+such", token=topup.jwt),
        "wrong": shop.get(path, token="a.b.c"),
    }

    assert {name: one.status for name, one in asked.items()} == {
        "none": 401, "foreign": 404, "unknown": 404, "bad": 400, "wrong": 401
    }  # fmt: skip
    assert asked["foreign"].json["detail"] == asked["unknown"].json["detail"]
    assert shop.post(path, token=topup.jwt).status == 405


def test_fifty_webhooks_polls_and_checks_at_once_fill_the_wallet_once(shop, owner):
    topup = Topup(shop, owner, gateway="sandbox")
    path = f"/api/topup/status?tx_ref={topup.tx_ref}"
    turns = Semaphore(5)
    asks = [
        lambda: topup.act("repeat_webhook", times=3) if turns.acquire(blocking=False) else None,
        lambda: shop.get(path, token=topup.jwt),
        lambda: shop.post(f"/api/payments/{topup.id}/check"),
    ]

    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda number: asks[number % 3](), range(50)))

    assert len(done) == 50
    topup.confirmed()
    shop.advance(120)
    assert balance(shop, owner) == 50_000
    assert len(shop.get(f"/api/wallets/{owner}/entries").data) == 1
    assert topup.counted("fulfilments") == 1
    assert shop.rows(f"SELECT count(*) FROM outbox WHERE subject = '{topup.tx_ref}'") == [(1,)]


def test_a_spend_takes_what_it_says_and_a_repeat_takes_nothing(shop, owner):
    filled(shop, owner)
    first = spend(shop, owner, 20_000, "ride-1")
    again = spend(shop, owner, 20_000, "ride-1")
    other = spend(shop, owner, 20_001, "ride-1")

    assert (first.status, first.data["balance"]) == (201, 30_000)
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status, other.json["code"]) == (409, "conflict")
    assert balance(shop, owner) == 30_000


def test_more_than_is_there_is_refused_and_the_reference_stays_free(shop, owner):
    filled(shop, owner)
    refused = spend(shop, owner, 50_001, "ride-1")
    empty = spend(shop, f"{owner}-nobody", 1, "ride-1")
    foreign = shop.post(f"/api/wallets/{owner}/spend",
                        json={"amount": 1, "currency": "USD", "reference": "ride-2"})  # fmt: skip

    assert {(one.status, one.json["code"]) for one in (refused, empty, foreign)} == {
        (409, "insufficient_funds")
    }
    assert spend(shop, owner, 50_000, "ride-1").data["balance"] == 0


def test_two_hundred_spends_at_once_never_take_more_than_there_is(shop, owner):
    filled(shop, owner)
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda n: spend(shop, owner, 1_000, f"ride-{n % 150}"), range(200)))

    taken = {one.data["id"] for one in answers if one.status == 201}
    assert {one.status for one in answers} == {201, 409}
    assert len(taken) == 50
    assert balance(shop, owner) == 0
    entries = shop.get(f"/api/wallets/{owner}/entries?limit=200").data
    assert sum(entry["amount"] for entry in entries) == 0
    assert len(entries) == 51


def test_who_may_look_into_a_wallet_and_who_may_take_from_it(shop, owner):
    filled(shop, owner)
    own, foreign = user_token(shop, owner), user_token(shop, "somebody-else")
    paths = [f"/api/wallets/{owner}", f"/api/wallets/{owner}/entries"]

    for path in paths:
        told = [shop.get(path, token=token).status for token in (own, foreign, None)]
        assert told == [200, 404, 401]
        assert shop.get(path, token=key_of(shop, "reader")).status == 200
    taken = [
        spend(shop, owner, 1, "x", token=t).status for t in (own, None, key_of(shop, "reader"))
    ]
    assert taken == [401, 401, 403]
    assert balance(shop, owner) == 50_000


@pytest.mark.parametrize("body", [
    {}, {"amount": 1, "currency": "VND"}, {"amount": 0, "currency": "VND", "reference": "x"},
    {"amount": 1, "currency": "VND", "reference": ""},
    {"amount": 1, "currency": "dong", "reference": "x"},
    {"amount": 1, "currency": "ZZZ", "reference": "x"},
    {"amount": 1.0, "currency": "VND", "reference": "x"},
])  # fmt: skip
def test_a_spend_that_makes_no_sense_is_refused(shop, body):
    assert shop.post("/api/wallets/user-x/spend", json=body).status == 400


def test_an_owner_of_endless_name_has_no_wallet(shop):
    endless = "u" * 5_000
    started = shop.post("/api/topup/init", json={"amount": 1_000}, token=user_token(shop, endless))

    assert started.status == 400
    assert spend(shop, endless, 1, "x").status == 404


def test_the_entries_are_paged_newest_first(shop, owner):
    filled(shop, owner)
    for number in range(4):
        spend(shop, owner, 1_000, f"ride-{number}")

    path, seen = f"/api/wallets/{owner}/entries?limit=2", []
    page = shop.get(path)
    seen += page.data
    while page.json["pagination"]["hasMore"]:
        page = shop.get(f"{path}&cursor={page.json['pagination']['nextCursor']}")
        seen += page.data

    assert [entry["reference"] for entry in seen] == ["ride-3", "ride-2", "ride-1", "ride-0", None]
    assert shop.get(f"{path}&cursor=00").status == 400
    later = shop.get(f"/api/wallets/{owner}/entries?createdAfter={seen[2]['createdAt']}").data
    assert 2 <= len(later) <= 3


def test_a_user_opens_so_many_streams_and_no_more(open_shop, owner):
    shop = open_shop(TALLYSTICK_STREAMS_PER_USER="2")
    topups = [Topup(shop, owner, gateway="sandbox") for _ in range(3)]
    paths = [f"/api/topup/stream?tx_ref={one.tx_ref}" for one in topups]
    jwt, other = topups[0].jwt, Topup(shop, "somebody-else", gateway="sandbox")

    with shop.line.watch(paths[0], token=jwt) as one, shop.line.watch(paths[1], token=jwt) as two:
        assert (next(one.events).name, next(two.events).name) == ("status-update",) * 2
        third = shop.get(paths[2], token=jwt)
        assert (third.status, third.json["code"]) == (429, "too_many_requests")
        path = f"/api/topup/stream?tx_ref={other.tx_ref}"
        with shop.line.watch(path, token=other.jwt) as free:
            assert free.status == 200

    eventually(lambda: shop.metric("tallystick_streams"), lambda open_: open_ == 0)
    with shop.line.watch(paths[2], token=jwt) as again:
        assert again.status == 200


def test_the_shop_lists_top_ups_by_whose_they_are_and_how_they_stand(shop):
    started = [
        shop.post("/api/topup/init", json={"amount": 50_000, "ownerId": owner}).data
        for owner in ("lister-1", "lister-2", "lister-1")
    ]
    paid = started[0]
    shop.post("/_sim/act", json={"paymentId": paid["paymentId"], "act": "pay"})
    eventually(lambda: listed_refs(shop, "ownerId=lister-1&status=confirmed"), bool)

    (told,) = shop.get("/api/topups?ownerId=lister-1&status=confirmed").data

    assert told["tx_ref"] == paid["tx_ref"]
    assert (told["ownerId"], told["received"], told["paymentId"]) == (
        "lister-1", 50_000, paid["paymentId"]
    )  # fmt: skip
    assert listed_refs(shop, "ownerId=lister-1") == [started[2]["tx_ref"], paid["tx_ref"]]
    assert listed_refs(shop, "ownerId=lister-1&status=pending") == [started[2]["tx_ref"]]
    assert listed_refs(shop, "ownerId=lister-2&status=expired") == []
    assert set(listed_refs(shop, "limit=200")) >= {one["tx_ref"] for one in started}


def test_top_ups_are_listed_page_after_page_without_a_gap(shop):
    started = [
        shop.post("/api/topup/init", json={"amount": 50_000, "ownerId": "pager"}).data["tx_ref"]
        for _ in range(3)
    ]

    first = shop.get("/api/topups?ownerId=pager&limit=2").json
    rest = shop.get(
        f"/api/topups?ownerId=pager&limit=2&cursor={first['pagination']['nextCursor']}"
    ).json

    seen = [one["tx_ref"] for one in first["data"] + rest["data"]]
    assert (seen, rest["pagination"]["hasMore"]) == (started[::-1], False)


def test_top_ups_are_listed_for_keys_alone_and_a_status_that_there_is_not_is_refused(shop):
    assert shop.get("/api/topups", token=None).status == 401
    assert shop.get("/api/topups?status=paid").status == 400


def listed_refs(shop, query: str) -> list[str]:
    """The names of the top-ups that are listed."""
    return [one["tx_ref"] for one in shop.get(f"/api/topups?{query}").data]
