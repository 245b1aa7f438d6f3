"""Redis is killed, frozen or never there: all goes on, and comes back by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.http.conftest import DATABASES, database
from tests.http.shop import Shop, eventually
from tests.infra.live import SERVERS, Answer, LiveServer
from tests.infra.redis_server import OwnRedis

TROUBLES = ["killed", "frozen"]
WINDOW_S = 900


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    """The Redis of this module's shops."""
    own = OwnRedis(tmp_path_factory.mktemp("redis"))
    yield own
    own.kill()


@pytest.fixture(scope="module", params=DATABASES)
def shop(
    request: pytest.FixtureRequest, redis: OwnRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop that counts in Redis."""
    folder = tmp_path_factory.mktemp("hub")
    with database(request, request.param, folder) as url:
        server = LiveServer(folder, url, (), {"TALLYSTICK_REDIS_URL": redis.url})
        server.start()
        shop = Shop(server)
        yield shop
        shop.leave()


@pytest.fixture(autouse=True)
def _redis_is_there(redis: OwnRedis, shop: Shop) -> None:
    """Each test begins with a Redis that the hub has found."""
    redis.start()
    eventually(lambda: ready(shop), lambda word: word == "ok")


@pytest.fixture
def strike(redis: OwnRedis) -> Callable[[str], None]:
    """Brings the trouble on."""
    return lambda trouble: redis.kill() if trouble == "killed" else redis.freeze()


def ready(shop: Shop) -> str:
    """How the hub says that it is."""
    answer = shop.get("/health/ready")
    assert answer.status == 200
    return str(answer.json["status"])


def left(answer: Answer) -> int:
    """How many requests the limit still allows."""
    return int(answer.headers["ratelimit"].split(";r=")[1].split(";")[0])


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_route_and_pay_page_goes_on_without_redis(shop, strike, redis, trouble):
    sale = shop.payment(gateway="sandbox")
    strike(trouble)

    link = shop.link()
    pages = [f"/pay/{link.short_code}", "/gift-cards", f"/api/payment-links/{link.link_id}/status"]
    routes = [f"/api/payments/{sale.id}", f"/api/payments/{sale.id}/status", "/api/gateways"]
    answers = [shop.get(path) for path in routes] + [shop.get(path, token=None) for path in pages]

    assert {answer.status for answer in answers} == {200}
    assert all("ratelimit" in answer.headers for answer in answers)
    assert ready(shop) == "degraded"
    redis.start()
    assert eventually(lambda: ready(shop), lambda word: word != "degraded") == "ok"


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_stream_tells_of_the_money_without_redis(shop, strike, trouble):
    sale = shop.payment(gateway="sandbox")
    strike(trouble)

    with shop.line.watch(f"/api/payments/{sale.id}/stream", token=sale.token) as watching:
        watching.next()
        sale.act("pay")
        told = watching.next().json

    assert told["phase"] == "paid"


@pytest.mark.parametrize("trouble", TROUBLES)
def test_limits_are_counted_in_memory_while_redis_is_away(shop, strike, trouble):
    strike(trouble)
    eventually(lambda: ready(shop), lambda word: word == "degraded")

    counted, began = [], 0.0
    # What was counted before a border of the window weighs less after it: within one, then.
    while began != time.time() // WINDOW_S:
        began = time.time() // WINDOW_S
        sale = shop.payment(gateway="sandbox")
        path = f"/api/payments/{sale.id}/status"
        counted = [shop.get(path, token=sale.token) for _ in range(301)]

    assert [left(answer) for answer in counted] == [*range(299, -1, -1), 0]
    assert [answer.status for answer in counted] == [200] * 300 + [429]


def test_limits_are_counted_in_redis_again_when_it_is_back(shop, strike, redis):
    strike("killed")
    eventually(lambda: ready(shop), lambda word: word == "degraded")
    redis.start()
    eventually(lambda: ready(shop), lambda word: word == "ok")

    def counted() -> str:
        shop.get("/api/payments")
        return redis.ask("DBSIZE")

    assert eventually(counted, lambda keys: keys != ":0\r\n")


def test_the_hub_starts_without_redis_and_finds_it_later(shop, redis, request):
    request.node.stash[SERVERS] = [shop.server]
    redis.kill()
    shop.server.restart()

    assert ready(shop) == "degraded"
    assert shop.payment(gateway="sandbox").show()["phase"] == "open"
    redis.start()
    assert eventually(lambda: ready(shop), lambda word: word != "degraded") == "ok"
