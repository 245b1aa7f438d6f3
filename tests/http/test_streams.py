"""Streams as browsers meet them: the whole state first, every change at once, and an end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count

import pytest

from tests.http.conftest import OpenShop
from tests.http.line import Watching
from tests.http.shop import Sale, Shop, eventually

# Behind a proxy, so that each test may be a client of its own.
ENVIRONMENT = {
    "TALLYSTICK_STREAM_HEARTBEAT_S": "0.4",
    "TALLYSTICK_STREAMS_IN_ALL": "30",
    "TALLYSTICK_TRUSTED_PROXIES": "1",
}
GAUGE = "tallystick_streams"
_numbers = count(1)


@pytest.fixture
def sale(shop: Shop) -> Sale:
    """A payment that nobody has paid yet."""
    return shop.payment(gateway="sandbox")


@pytest.fixture(autouse=True)
def _nobody_is_left_watching(request: pytest.FixtureRequest):
    """After each test every stream is gone from the books of the server."""
    yield
    if "shop" in request.fixturenames:
        shop = request.getfixturevalue("shop")
        eventually(lambda: shop.metric(GAUGE), lambda streams: streams == 0)


def watch(sale: Sale, **words):
    """Follow a payment with its payer's token."""
    path = f"/api/payments/{sale.id}/stream"
    return sale.shop.line.watch(path, **{"token": sale.token, **words})


def client(last: int | None = None) -> dict[str, str]:
    """The headers of a client at an address that nobody else has."""
    return {"x-forwarded-for": f"198.51.100.{last or next(_numbers)}"}


def test_a_stream_opens_with_the_whole_state(sale):
    with watch(sale) as stream:
        first = next(stream.events)

    shown = sale.show()
    assert (first.name, first.id) == ("status", str(shown["version"]))
    assert (first.json["id"], first.json["phase"], first.json["final"]) == (sale.id, "open", False)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"


def test_the_stream_tells_what_the_status_tells(sale):
    status = sale.shop.get(f"/api/payments/{sale.id}/status", token=sale.token).data

    with watch(sale) as stream:
        told = stream.next().json

    assert told.keys() == status.keys()
    assert {**told, "asOf": 0, "nextCheckAt": 0, "source": 0} == {
        **status, "asOf": 0, "nextCheckAt": 0, "source": 0
    }  # fmt: skip


def test_a_payment_is_told_at_once_and_ends_the_stream(sale):
    with watch(sale) as stream:
        before = stream.next()
        sale.act("pay")
        rest = stream.rest()

    assert rest[-1].json["phase"] == "paid"
    assert rest[-1].json["final"] is True
    assert [int(event.id) for event in rest] == sorted({int(event.id) for event in rest})
    assert int(rest[0].id) > int(before.id)


def test_each_step_on_the_way_is_told(sale):
    with watch(sale) as stream:
        stream.next()
        sale.act("underpay", amount=20_000)
        part = stream.next().json
        sale.act("pay")
        paid = stream.rest()[-1].json

    assert (part["amountState"], part["received"]) == ("partial", 20_000)
    assert (paid["amountState"], paid["received"]) == ("exact", 50_000)


def test_a_heartbeat_with_a_name_shows_that_the_line_is_alive(sale):
    with watch(sale) as stream:
        beats = [stream.next("heartbeat") for _ in range(2)]

    assert [beat.name for beat in beats] == ["heartbeat", "heartbeat"]
    assert all(beat.json == {} for beat in beats)


def test_a_browser_that_comes_back_is_not_told_twice(sale):
    with watch(sale) as stream:
        seen = stream.next().id

    with watch(sale, headers={"last-event-id": seen}) as stream:
        first = next(stream.events)
        sale.act("pay")
        paid = stream.rest()

    assert first.name == "heartbeat"
    assert paid[-1].json["phase"] == "paid"


def test_a_browser_that_missed_something_gets_the_whole_state(sale):
    with watch(sale) as stream:
        seen = stream.next().id
    sale.act("underpay")
    sale.becomes("open", amountState="partial")

    with watch(sale, headers={"last-event-id": seen}) as stream:
        first = next(stream.events)

    assert first.json["amountState"] == "partial"


@pytest.mark.parametrize("seen", ["999999999", "99999999999999999999", "-1", "x", "1e3", ""])
def test_a_last_event_id_that_is_not_ours_gets_the_whole_state(sale, seen):
    with watch(sale, headers={"last-event-id": seen}) as stream:
        first = next(stream.events)
        sale.act("pay")
        rest = stream.rest()

    assert first.name == "status"
    assert rest[-1].json["phase"] == "paid"


def test_a_stream_of_what_is_over_tells_the_end_once_and_then_204(sale):
    sale.cancel()
    with watch(sale) as stream:
        told = stream.rest()

    with watch(sale, headers={"last-event-id": told[-1].id}) as again:
        nothing = again.rest()

    assert [event.json["phase"] for event in told] == ["canceled"]
    assert (again.status, nothing) == (204, [])


def test_money_after_the_end_is_told_to_who_comes_back(sale):
    sale.cancel()
    with watch(sale) as stream:
        seen = stream.rest()[-1].id
    sale.act("pay_late")
    sale.becomes("canceled", received=50_000)

    with watch(sale, headers={"last-event-id": seen}) as stream:
        told = stream.rest()

    assert told[-1].json["received"] == 50_000


def test_strangers_watch_no_payment_and_foreigners_find_none(shop, sale):
    other = shop.payment(gateway="sandbox")
    path = f"/api/payments/{sale.id}/stream"

    answers = [shop.get(path, token=None), shop.get(path, token=other.token)]

    assert [answer.status for answer in answers] == [401, 404]
    assert all(answer.json["code"] for answer in answers)


def test_anybody_with_a_link_watches_it_and_only_its_payer_sees_the_transaction(shop):
    link = shop.chosen_link()
    path = f"/api/payment-links/{link.link_id}/stream"

    with shop.line.watch(path) as anybody, shop.line.watch(path, token=link.token) as payer:
        anybody.next(), payer.next()
        link.act("pay")
        public, own = anybody.rest()[-1].json, payer.rest()[-1].json

    assert public["currentStatus"] == own["currentStatus"] == "PAID"
    assert public["transactionInfo"] is None
    assert own["transactionInfo"]["gateway"] == "payos"


def test_a_link_is_watched_from_the_choice_of_a_gateway_to_the_money(shop):
    link = shop.link()

    with shop.line.watch(f"/api/payment-links/{link.short_code}/stream") as stream:
        first = stream.next().json
        link.choose("payos")
        chosen = stream.next().json
        link.act("pay")
        last = stream.rest()[-1].json

    assert first["paymentMethod"] is None
    assert chosen["paymentMethod"] == "payos"
    assert last["currentStatus"] == "PAID"


def test_five_may_watch_one_payment_and_a_sixth_is_told_to_poll(sale):
    with ExitStack() as streams:
        for _ in range(5):
            opened(streams, sale, client())
        sixth = sale.shop.get(f"/api/payments/{sale.id}/stream", token=sale.token, headers=client())

    assert sixth.status == 429
    assert int(sixth.headers["retry-after"]) > 0
    assert "poll" in sixth.json["detail"]


def test_a_place_that_was_left_is_free_again(sale):
    with ExitStack() as streams:
        for _ in range(4):
            opened(streams, sale, client())
        with watch(sale, headers=client()) as fifth:
            fifth.next()
        eventually(lambda: sale.shop.metric(GAUGE), lambda open_: open_ == 4)
        again = opened(streams, sale, client())

    assert again.status == 200


def test_one_client_may_keep_twenty_streams(shop):
    sales = [shop.payment(gateway="sandbox") for _ in range(21)]
    here = client(250)
    with ExitStack() as streams:
        for one in sales[:20]:
            opened(streams, one, here)
        refused = shop.get(
            f"/api/payments/{sales[20].id}/stream", token=sales[20].token, headers=here
        )
        elsewhere = opened(streams, sales[20], client(251))

    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    assert elsewhere.status == 200


def test_a_full_house_answers_503_and_polling_still_works(shop):
    sales = [shop.payment(gateway="sandbox") for _ in range(31)]
    with ExitStack() as streams:
        for number, one in enumerate(sales[:30]):
            opened(streams, one, client(100 + number))
        path = f"/api/payments/{sales[30].id}"
        refused = shop.get(f"{path}/stream", token=sales[30].token, headers=client(240))
        polled = shop.get(f"{path}/status", token=sales[30].token)

    assert refused.status == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) > 0
    assert polled.status == 200


def test_who_vanishes_is_cleaned_up(shop, sale):
    with watch(sale) as stream:
        stream.next()
        watching = shop.metric(GAUGE)

    assert watching == 1
    assert eventually(lambda: shop.metric(GAUGE), lambda streams: streams == 0) == 0


def test_no_stream_lives_for_ever(open_shop: OpenShop):
    shop = open_shop(TALLYSTICK_STREAM_LIFE_S="1")
    sale = shop.payment(gateway="sandbox")

    with watch(sale) as stream:
        told = stream.rest()

    assert [event.json["phase"] for event in told] == ["open"]


def test_a_server_that_stops_lets_its_watchers_go(open_shop: OpenShop):
    shop = open_shop()
    sale = shop.payment(gateway="sandbox")

    with watch(sale) as stream:
        stream.next()
        shop.server.stop()
        rest = stream.rest()

    assert rest == []
    assert "Traceback" not in shop.server.stderr


def test_a_reader_who_never_reads_is_dropped_and_the_others_are_served(open_shop: OpenShop):
    shop = open_shop(TALLYSTICK_STREAM_HEARTBEAT_S="0.001")
    sale = shop.payment(gateway="sandbox")
    with watch(sale) as stream, deaf_reader(sale) as deaf:
        eventually(lambda: shop.metric(GAUGE), lambda streams: streams == 2)
        eventually(lambda: shop.metric(GAUGE), lambda streams: streams == 1)

        sale.act("pay")
        assert stream.rest()[-1].json["phase"] == "paid"
        assert hung_up(deaf)


@contextmanager
def deaf_reader(sale: Sale) -> Iterator[socket.socket]:
    """Somebody who opens a stream and never reads a byte of it; no buffer hides that for long."""
    request = (
        f"GET /api/payments/{sale.id}/stream HTTP/1.1\r\nhost: hub\r\n"
        f"authorization: Bearer {sale.token}\r\n\r\n"
    )
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        line.connect(("127.0.0.1", sale.shop.server.port))
        line.sendall(request.encode())
        yield line


def hung_up(line: socket.socket) -> bool:
    """Whether there is an end behind what was on its way."""
    line.settimeout(100)
    with suppress(ConnectionResetError):
        while line.recv(65_536):
            pass
    return True


def opened(streams: ExitStack, sale: Sale, headers: dict[str, str]) -> Watching:
    """One more stream that stays open until the end."""
    stream = streams.enter_context(watch(sale, headers=headers))
    stream.next()
    return stream
