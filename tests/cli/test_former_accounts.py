"""A merchant of payOS moves to another channel: the real server, two real accounts, real HTTP."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import PRODUCTION, free_port
from tests.http.shop import Shop, eventually
from tests.infra.live import Client


def channel(server, prefix: str = "") -> dict[str, str]:
    """The keys of a payOS channel; another program plays that payOS."""
    keys = Shop(server).gateway_keys("payos")
    return {f"{prefix}{name}": value for name, value in keys.items()} | {
        f"{prefix}base_url": f"{server.url}/_sim/payos"
    }


def settings(keys: dict[str, str], database_url: str) -> dict[str, str]:
    mine = {f"TALLYSTICK_PAYOS_{name.upper()}": value for name, value in keys.items()}
    return {**PRODUCTION, **mine, "TALLYSTICK_DATABASE_URL": database_url}


def test_a_qr_code_of_the_channel_before_is_paid_after_the_merchant_has_moved(
    live_server, running, tallystick, database_url
):
    before, now = live_server(), live_server()
    old = settings(channel(before), database_url)
    key = tallystick("keys", "create", "--role", "admin", **old).stdout.split()[-1]
    port = free_port()
    hub = Client(lambda: f"http://127.0.0.1:{port}")
    serving = running("serve", "--port", port, **old)
    serving.until("serves")
    wish = {"amount": 50_000, "currency": "VND", "gateway": "payos"}
    payment = hub.post("/api/payments", json=wish, token=key).data
    serving.leave()

    former = json.dumps({"payos": [channel(before)]})
    moved = settings(channel(now), database_url) | {"TALLYSTICK_FORMER_ACCOUNTS": former}
    running("serve", "--port", port, **moved).until("serves")
    page = payment["checkout"]["checkoutUrl"].removeprefix(before.url)
    assert Client(lambda: before.url).post(page, raw="act=pay").status == 303

    path = f"/api/payments/{payment['id']}"
    paid = eventually(lambda: hub.get(path, token=key).data, lambda one: one["phase"] == "paid")
    assert paid["review"] is None
    fresh = hub.post("/api/payments", json=wish, token=key).data
    assert fresh["checkout"]["checkoutUrl"].startswith(now.url)


@pytest.mark.parametrize(
    ("former", "words"),
    [
        ('{"paypal": [{"client_id": "x"}]}', "there is no gateway 'paypal'"),
        ('{"payos": [{"colour": "hidden-word"}]}', "there is no setting 'payos_colour'"),
        ('{"payos": [{"client_id": ""}]}', "half set up"),
    ],
)
def test_a_former_account_that_cannot_be_is_named_before_the_start(tallystick, former, words):
    done = tallystick("serve", **PRODUCTION, TALLYSTICK_FORMER_ACCOUNTS=former)

    assert done.returncode == 1
    assert "TALLYSTICK_FORMER_ACCOUNTS" in done.stderr
    assert words in done.stderr
    assert "hidden-word" not in done.stderr
