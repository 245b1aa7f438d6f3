"""Clients behind one proxy, or at one address: one of them does not lock the others out."""

from __future__ import annotations

import pytest

from tests.http.shop import Shop
from tests.http.test_dashboard import invited

# Calls are counted in the memory of the process.
pytestmark = pytest.mark.sqlite_only

# Behind a proxy of ours, as in life.
ENVIRONMENT = {
    "TALLYSTICK_RATE_LIMITS": "true",
    "TALLYSTICK_TRUSTED_PROXIES": "1",
    "TALLYSTICK_RATE_LIMIT_OVERRIDES": '{"anonymous": "20 per 15 minutes"}',
}


@pytest.mark.parametrize("address", ["203.0.113.7", "203.0.113.8:4711", "[2001:db8:7::1]:4711"])
def test_a_stranger_who_guesses_links_does_not_lock_operators_out(shop: Shop, address: str):
    def knock(door: str, client: str) -> int:
        words = {"x-forwarded-for": f"192.0.2.1, {client}"}
        return int(shop.get(door, token=None, headers=words).status)

    wrong = "/dashboard/enter?token=tdl_wrong"
    guesses = [knock(wrong, address) for _ in range(21)]

    assert guesses == [401] * 20 + [429]
    assert knock(wrong, "203.0.113.99") == 401
    assert knock(invited(shop, "operator"), "203.0.113.99") == 303
    # Even from the stranger's own address, such as an office's.
    assert knock(invited(shop, "operator"), address) == 303
    assert knock(wrong, address) == 429


def test_a_neighbour_in_the_same_ipv6_network_is_the_same_stranger(shop: Shop):
    def knock(client: str) -> int:
        words = {"x-forwarded-for": client}
        return int(shop.get("/dashboard/enter", token=None, headers=words).status)

    guesses = [knock(f"2001:db8::{number:x}") for number in range(1, 22)]

    assert guesses == [401] * 20 + [429]
    assert knock("2001:db8:0:1::1") == 401


def test_a_payer_with_the_cookie_of_a_payment_is_not_hit_by_others_at_the_shops_wifi(shop: Shop):
    sale = shop.link()
    sale.choose("sandbox")
    path = f"/pay/{sale.short_code}"
    page = {"accept": "text/html", "x-forwarded-for": "203.0.113.50"}
    mine = {**page, "cookie": f"tct_{sale.short_code}={sale.token}"}
    made_up = {**page, "cookie": f"tct_{sale.short_code}=tct_made_up"}
    while shop.get(path, token=None, headers=page).status == 200:
        pass

    opened = [shop.get(path, token=None, headers=mine) for _ in range(40)]

    assert {answer.status for answer in opened} == {200}
    assert opened[0].headers["ratelimit-policy"] == '"payer_pages";q=120;w=60'
    assert shop.get(path, token=None, headers=made_up).status == 429
