"""Events over HTTP: endpoints, deliveries to a real receiver, the feed, and telling it again."""

from __future__ import annotations

import threading

import pytest

from tallystick.domain.standard_webhooks import decoded_key
from tests.events.receiver import Receiver, answers, receiving
from tests.http.callers import key_of
from tests.http.shop import Shop, eventually

PLACE = "/api/webhook-endpoints"


def made(shop: Shop, receiver: Receiver, *patterns: str) -> dict:
    """An endpoint at a receiver, with its secret."""
    wish = {"url": receiver.url, "events": list(patterns or ("payment.*",))}
    answer = shop.post(PLACE, json=wish)
    assert answer.status == 201, answer.text
    return answer.data


@pytest.fixture
def endpoint(shop: Shop):
    """A receiver with an endpoint of its own, gone after the test."""
    with receiving() as receiver:
        found = made(shop, receiver)
        yield receiver, found
        assert shop.send("DELETE", f"{PLACE}/{found['id']}").status == 204


def test_a_paid_payment_reaches_the_merchant_signed_and_in_order(shop, endpoint):
    receiver, found = endpoint
    sale = shop.payment()
    sale.act("pay")

    receiver.gets(2)

    assert receiver.types() == ["payment.opened", "payment.paid"]
    paid = receiver.accepted[1]
    assert paid.is_signed_with(decoded_key(found["secret"]))
    assert paid.event["data"]["id"] == sale.id
    shown = eventually(lambda: shop.get(f"/api/events/{paid.id}").data["deliveries"],
                       lambda seen: seen[0]["state"] == "delivered")  # fmt: skip
    assert [one["status"] for one in shown[0]["attempts"]] == [200]
    assert shown[0]["response"] == "said \ufffd this"
    assert "secret" not in shop.get(f"{PLACE}/{found['id']}").data
    shop.audit()


def test_500_and_then_200_is_one_event_twice_with_one_id(shop, endpoint):
    receiver, found = endpoint
    receiver.answer = answers(500)
    shop.payment()
    eventually(lambda: receiver.came, bool)
    log = f"{PLACE}/{found['id']}/deliveries"
    eventually(lambda: shop.get(f"{log}?state=waiting").data, lambda seen: seen[0]["attempts"])

    shop.advance(6)
    receiver.gets(1)

    (delivery,) = eventually(lambda: shop.get(log).data, lambda seen: seen[0]["deliveredAt"])
    assert [one["status"] for one in delivery["attempts"]] == [500, 200]
    assert {one.id for one in receiver.came} == {delivery["eventId"]}
    assert shop.metric('tallystick_deliveries_total{outcome="delivered"}') >= 1


def test_the_feed_goes_on_from_where_one_was_and_waits_for_news(shop):
    start = shop.get("/api/events?after=latest").json["nextAfter"]
    answer: list = []
    path = f"/api/events?after={start}&wait=30&type=payment.opened"
    waiting = threading.Thread(target=lambda: answer.append(shop.server.get(
        path, token=shop.server.secret_key)))  # fmt: skip
    waiting.start()
    sale = shop.payment()
    waiting.join()

    (told,) = answer[0].data
    assert (told["seq"], told["paymentId"]) == (start + 1, sale.id)
    assert (told["type"], told["data"]["phase"]) == ("payment.opened", "open")
    shop.payment()
    page = shop.get(f"/api/events?after={start}&limit=1").json
    assert page["pagination"] == {"limit": 1, "nextCursor": str(start + 1), "hasMore": True}
    rest = shop.get(f"/api/events?cursor={page['pagination']['nextCursor']}").json
    assert [one["seq"] for one in rest["data"]] == [start + 2]
    assert rest["nextAfter"] == rest["newest"] == start + 2


def test_an_event_is_sent_again_by_its_id_and_all_since_a_time(shop, endpoint):
    receiver, found = endpoint
    since = shop.now().isoformat()
    shop.payment()
    (first,) = receiver.gets(1)

    again = shop.post(f"/api/events/{first.id}/resend", json={"endpointId": found["id"]})
    receiver.gets(2)
    all_again = shop.post("/api/events/resend", json={"since": since, "endpointId": found["id"]})
    receiver.gets(3)

    assert (again.status, again.data) == (202, {"deliveries": 1})
    assert (all_again.status, all_again.data) == (202, {"deliveries": 1})
    assert {one.id for one in receiver.accepted} == {first.id}
    assert shop.post("/api/events/evt_x/resend", json={}).status == 404


def test_a_secret_is_rotated_and_a_ping_shows_it(shop, endpoint):
    receiver, found = endpoint
    path = f"{PLACE}/{found['id']}"
    fresh = shop.post(f"{path}/rotate", json={"overlap": 60}).data

    pinged = shop.post(f"{path}/ping").data
    shop.advance(61)
    shop.post(f"{path}/ping")

    assert (pinged["status"], pinged["error"]) == (200, None)
    old, new = decoded_key(found["secret"]), decoded_key(fresh["secret"])
    first, second = receiver.accepted
    assert first.event["type"] == "ping"
    assert [first.is_signed_with(key) for key in (old, new)] == [True, True]
    assert [second.is_signed_with(key) for key in (old, new)] == [False, True]


def test_a_disabled_endpoint_hears_nothing_until_it_is_enabled(shop, endpoint):
    receiver, found = endpoint
    path = f"{PLACE}/{found['id']}"
    off = shop.send("PATCH", path, json={"disabled": True, "events": ["payment.opened"]}).data
    shop.payment()
    on = shop.send("PATCH", path, json={"disabled": False}).data
    sale = shop.payment()

    (only,) = receiver.gets(1)

    assert (off["disabled"], off["disabledReason"]) == (True, "It was disabled by hand.")
    assert (on["disabled"], on["disabledAt"], on["events"]) == (False, None, ["payment.opened"])
    assert only.subject == sale.id


def test_the_same_create_again_makes_one_endpoint_and_shows_its_secret_again(shop, endpoint):
    receiver, _ = endpoint
    key = {"idempotency-key": "endpoint-1"}
    first, again = (
        shop.post(PLACE, json={"url": receiver.url, "events": ["refund.*"]}, headers=key)
        for _ in range(2)
    )

    assert first.body == again.body
    assert again.headers["idempotent-replayed"] == "true"
    assert shop.send("DELETE", f"{PLACE}/{first.data['id']}").status == 204
    assert shop.get(f"{PLACE}/{first.data['id']}").status == 404


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"url": "http://10.0.0.5/"}, "address_refused"),
        ({"url": "https://169.254.169.254/latest"}, "address_refused"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "address_refused"),
        ({"url": "ftp://127.0.0.1/"}, "address_refused"),
        ({"url": "http://127.0.0.1:1/", "events": ["payment.payed"]}, "invalid_request"),
        ({"url": "http://127.0.0.1:1/", "events": []}, "invalid_request"),
        ({"url": "http://127.0.0.1:1/", "secret": "mine"}, "invalid_request"),
        ({}, "invalid_request"),
    ],
)
def test_a_bad_endpoint_is_refused_with_words(shop, wish, code):
    answer = shop.post(PLACE, json=wish)

    assert (answer.status, answer.json["code"]) == (400, code)


@pytest.mark.parametrize("query", ["after=-1", "after=x", "wait=31", "type=payment.payed", "type="])
def test_a_bad_place_in_the_feed_is_refused(shop, query):
    assert shop.get(f"/api/events?{query}").status == 400


def test_readers_read_operators_resend_and_only_admins_change_endpoints(shop, endpoint):
    _, found = endpoint
    path = f"{PLACE}/{found['id']}"
    reader, operator = key_of(shop, "reader"), key_of(shop, "operator")
    asked = {
        ("GET", "/api/events"): (200, 200),
        ("GET", PLACE): (200, 200),
        ("GET", f"{path}/deliveries"): (200, 200),
        ("POST", f"{path}/ping"): (403, 200),
        ("POST", "/api/events/resend"): (403, 202),
        ("POST", PLACE): (403, 403),
        ("PATCH", path): (403, 403),
        ("POST", f"{path}/rotate"): (403, 403),
        ("DELETE", path): (403, 403),
    }
    bodies = {"/api/events/resend": {"since": "2099-01-01T00:00:00Z"}, PLACE: {"url": "https://x"}}

    for (method, where), wanted in asked.items():
        body = None if method in {"GET", "DELETE"} else bodies.get(where, {})
        got = tuple(shop.send(method, where, token=key, json=body).status
                    for key in (reader, operator))  # fmt: skip
        assert got == wanted, (method, where)
        assert shop.send(method, where, token=None, json=body).status == 401


def test_a_plug_pulled_between_commit_and_delivery_loses_no_event(open_shop):
    shop = open_shop()
    with receiving(lambda _: 503) as receiver:
        made(shop, receiver)
        sale = shop.payment()
        sale.act("pay")
        sale.becomes("paid")

        shop.server.kill9()
        receiver.answer = lambda _: 200
        shop.server.restart()
        shop.advance(400)
        receiver.gets(2)

    assert receiver.types() == ["payment.opened", "payment.paid"]
    assert {one.subject for one in receiver.accepted} == {sale.id}
    assert len({one.id for one in receiver.came}) == 2
    shop.audit()
