"""What browsers and strangers are held to where the public address is https, as in production."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx2
import pytest

from tallystick.flows.dashboard_access import invite
from tallystick.flows.keys import create_key
from tallystick.products import WEB_PARTS
from tallystick.web.app import build_app
from tests.store.conftest import database, house
from tests.store.rows import run

__all__ = ["database", "house"]

BASE = "https://pay.example.com"
LOOPBACK = ("127.0.0.1", 40_000)
SESSION = "__Host-tallystick_session"


@pytest.fixture
def hub(house):
    """A hub as production sets it up: https, no sandbox."""
    house.hub.settings = house.hub.settings.model_copy(
        update={"base_url": BASE, "return_origins": ("https://shop.example.com",)}
    )
    house.hub.sandbox = False
    return house.hub


@pytest.fixture
async def call(hub):
    """Calls this hub, from the machine itself unless another `peer` is given."""

    @asynccontextmanager
    async def lifespan():
        yield

    app = build_app(hub, hub.live, parts=WEB_PARTS, lifespan=lifespan)

    async def send(method, path, peer=LOOPBACK, **words):
        transport = httpx2.ASGITransport(app=app, client=peer)
        async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.request(method, path, **words)

    return send


async def entered(hub, call, **headers):
    """The answer to somebody who follows a new link to the dashboard."""
    token, _ = await invite(hub, "admin")
    return await call("GET", f"/dashboard/enter?token={token}", headers=headers)


def session_of(answer):
    """The headers of a browser that came in."""
    return {"cookie": answer.headers["set-cookie"].partition(";")[0], "accept": "text/html"}


async def test_no_neighbour_can_plant_a_session_of_the_dashboard(hub, call):
    cookie = (await entered(hub, call)).headers["set-cookie"]

    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert cookie.startswith(f"{SESSION}=")
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)


async def test_a_session_under_its_plain_name_opens_nothing_over_https(hub, call):
    cookie = session_of(await entered(hub, call))["cookie"]
    plain = cookie.removeprefix("__Host-")

    inside = await call("GET", "/dashboard", headers={"cookie": cookie})
    outside = await call("GET", "/dashboard", headers={"cookie": plain})

    assert (inside.status_code, outside.status_code) == (200, 401)


async def test_a_link_in_a_webmail_opens_the_dashboard_although_its_cookie_is_strict(hub, call):
    """A redirect that another site began would leave the new cookie at home."""
    answer = await entered(hub, call, **{"sec-fetch-site": "cross-site"})

    assert answer.status_code == 200
    assert answer.headers["refresh"] == "0; url=/dashboard"
    assert 'href="/dashboard"' in answer.text
    assert (await call("GET", "/dashboard", headers=session_of(answer))).status_code == 200


async def test_a_dashboard_that_was_left_open_closes_after_half_an_hour(house, hub, call):
    me = session_of(await entered(hub, call))

    for _ in range(3):
        house.pass_time(minutes=29)
        assert (await call("GET", "/dashboard", headers=me)).status_code == 200
    house.pass_time(minutes=31)

    assert (await call("GET", "/dashboard", headers=me)).status_code == 401


async def test_a_dashboard_closes_after_half_a_day_however_busy_it_is(house, hub, call):
    me = session_of(await entered(hub, call))

    statuses = []
    for _ in range(29):
        house.pass_time(minutes=25)
        statuses.append((await call("GET", "/dashboard", headers=me)).status_code)

    # 28 times 25 minutes are 11 h 40 min.
    assert statuses == [*[200] * 28, 401]


async def test_who_signed_out_stays_out(hub, call):
    me = session_of(await entered(hub, call))

    left = await call("POST", "/dashboard/leave", headers=me)

    assert left.headers["set-cookie"].startswith(f'{SESSION}="";')
    assert "secure" in left.headers["set-cookie"].lower()
    assert (await call("GET", "/dashboard", headers=me)).status_code == 401


async def test_the_payers_cookie_stays_lax_because_he_comes_back_from_the_gateway(house, hub, call):
    link, _ = await house.open_link()
    asked = f"SELECT short_code FROM payment_links WHERE payment_id = '{link}'"
    short_code = await house.database.read(lambda tx: run(tx, asked))

    answer = await call("POST", f"/pay/{short_code}/attempts", json={"gateway": "till"})

    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("tct_")
    assert "samesite=lax" in cookie
    assert "secure" in cookie


@pytest.mark.parametrize("path", ["/health/live", "/dashboard", "/nothing", "/api/payments",
                                  "/api/payments/pay_1/status"])  # fmt: skip
async def test_browsers_are_told_to_come_by_https_alone(call, path):
    answer = await call("GET", path)

    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_nobody_is_told_so_where_there_is_no_https(house):
    @asynccontextmanager
    async def lifespan():
        yield

    app = build_app(house.hub, house.hub.live, parts=WEB_PARTS, lifespan=lifespan)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as client:
        answer = await client.get("/health/live")

    assert "strict-transport-security" not in answer.headers


OWN = {"host": "127.0.0.1:8787"}


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"])
async def test_the_machine_itself_reads_the_metrics(call, host):
    answer = await call("GET", "/metrics", headers={"host": host})

    assert answer.status_code == 200
    assert "tallystick_inbox_waiting" in answer.text


@pytest.mark.parametrize(("peer", "headers"), [
    (("203.0.113.9", 1), OWN),
    (("203.0.113.9", 1), {}),
    (LOOPBACK, {**OWN, "x-forwarded-for": "203.0.113.9"}),
    (LOOPBACK, {**OWN, "forwarded": "for=203.0.113.9"}),
    (LOOPBACK, {**OWN, "x-real-ip": "203.0.113.9"}),
    (LOOPBACK, {"host": "pay.example.com"}),
    (LOOPBACK, {"host": "[::1"}),
])  # fmt: skip
async def test_a_stranger_does_not_read_how_the_shop_does(call, peer, headers):
    """Anybody could read how much is sold, and where it hurts."""
    answer = await call("GET", "/metrics", peer=peer, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_with_a_key_the_metrics_are_read_from_anywhere(hub, call):
    key = await create_key(hub, "reader", "prometheus")

    answer = await call(
        "GET", "/metrics", peer=("203.0.113.9", 1), headers={"authorization": f"Bearer {key}"}
    )

    assert answer.status_code == 200


WISH = {"amount": 50_000, "currency": "VND", "gateway": "till"}


@pytest.mark.parametrize("field", ["returnUrl", "cancelUrl"])
async def test_no_payer_is_sent_to_a_page_that_is_not_the_merchants(hub, call, field):
    key = {"authorization": f"Bearer {await create_key(hub, 'admin', 'shop')}"}
    foreign = ("https://evil.example/", "http://shop.example.com/", "https://shop.example.com:444/",
               "https://shop.example.com.evil.example/")  # fmt: skip
    own = ("https://shop.example.com/thanks?a=1", "https://SHOP.example.com:443/", f"{BASE}/pay/x")

    refused = [
        await call("POST", "/api/payments", json={**WISH, field: url}, headers=key)
        for url in foreign
    ]
    taken = [
        await call("POST", "/api/payments", json={**WISH, field: url}, headers=key) for url in own
    ]

    assert [answer.status_code for answer in refused] == [400] * len(foreign)
    assert [answer.json()["errors"][0]["field"] for answer in refused] == [field] * len(foreign)
    assert "TALLYSTICK_RETURN_ORIGINS" in refused[0].json()["detail"]
    assert [answer.status_code for answer in taken] == [201] * len(own)


async def test_without_the_setting_payers_only_come_back_to_our_own_pages(hub, call):
    hub.settings = hub.settings.model_copy(update={"return_origins": ()})
    key = {"authorization": f"Bearer {await create_key(hub, 'admin', 'shop')}"}
    wish = {"amount": 50_000, "currency": "VND", "description": "Tea"}

    statuses = [
        (await call("POST", "/api/payment-links", json={**wish, "returnUrl": url}, headers=key))
        .status_code
        for url in ("https://shop.example.com/", f"{BASE}/pay/x")
    ]  # fmt: skip

    assert statuses == [400, 201]


async def test_a_sandbox_takes_every_address_until_it_is_told_which(hub, call):
    hub.sandbox = True
    key = {"authorization": f"Bearer {await create_key(hub, 'admin', 'shop')}"}
    wish = {**WISH, "returnUrl": "https://anywhere.example/"}

    held = await call("POST", "/api/payments", json=wish, headers=key)
    hub.settings = hub.settings.model_copy(update={"return_origins": ()})
    free = await call("POST", "/api/payments", json=wish, headers=key)

    assert (held.status_code, free.status_code) == (400, 201)
