"""`tallystick pay`, `watch` and `why`: one payment, followed from the terminal."""

from __future__ import annotations

import json

import pytest

from tallystick.cli.pay import _money
from tallystick.cli.server import ServerClient
from tallystick.cli.watch import follow
from tests.cli.conftest import environment_of, lines, refused
from tests.http.shop import eventually
from tests.infra.live import LiveServer

UNKNOWN = "pay_01M7XKCXT93S4VQH16M8MMYQFJ"


def at(server: LiveServer) -> dict[str, str]:
    """The environment that names a running server."""
    return {"TALLYSTICK_URL": server.url, "TALLYSTICK_API_KEY": server.secret_key}


def link_at(server: LiveServer) -> dict[str, str]:
    """A fresh payment link."""
    wish = {"amount": 50_000, "currency": "VND", "description": "Two coffees"}
    return server.post("/api/payment-links", json=wish, token=server.secret_key).data


def act(server: LiveServer, reference: str, what: str) -> None:
    """The payer or the gateway does something."""
    wish = {"reference": reference, "act": what}
    assert server.post("/_sim/act", json=wish, token=server.secret_key).status == 200


def test_pay_opens_a_payment_and_shows_how_to_pay_it(tallystick, live_server):
    server = live_server()

    done = tallystick("pay", "50000", "vnd", "--gateway", "payos", **at(server))

    (payment,) = server.get("/api/payments", token=server.secret_key).data
    assert f"{payment['id']}: 50000 VND through payos, open" in done.stdout
    assert payment["checkout"]["checkoutUrl"] in done.stdout
    assert "█" in done.stdout
    assert f"watch {payment['id']}" in done.stdout


@pytest.mark.parametrize(("typed", "currency", "money"), [
    ("50.000", "VND", "50000 VND"), ("50,000", "VND", "50000 VND"), ("19.99", "USD", "19.99 USD"),
    ("1999", "USD", "19.99 USD"), ("1,500.00", "LKR", "1500.00 LKR"),
])  # fmt: skip
def test_fifty_thousand_dong_is_never_fifty(typed, currency, money):
    assert str(_money(typed, currency)) == money


@pytest.mark.parametrize("typed", ["50.00", "50.0", "50.0000", "0", "-5", "5e4", "1.500,000", ""])
def test_an_amount_that_could_be_two_is_refused_with_an_example(tallystick, typed):
    done = tallystick("pay", "--gateway", "payos", "--", typed, "VND")

    assert done.returncode == 2
    assert "50000" in done.stderr or "more than nothing" in done.stderr.replace("\n", " ")


def test_pay_tells_what_the_server_refuses(tallystick, live_server):
    server = live_server()

    line = refused(tallystick("pay", "1999", "USD", "--gateway", "payos", **at(server)))

    assert "payos" in line


def test_in_the_folder_of_a_dev_server_nothing_but_its_address_is_needed(tallystick, live_server):
    server = live_server()

    done = tallystick(
        "pay", "50000", "VND", "--gateway", "sandbox", "--url", server.url,
        **environment_of(server.database),
    )  # fmt: skip

    assert "through sandbox, open" in done.stdout


def test_without_a_key_the_way_to_one_is_told(tallystick, live_server):
    line = refused(tallystick("pay", "50000", "VND", "--gateway", "payos"))

    assert "--key" in line


def test_a_server_that_is_not_there_is_one_line(tallystick):
    line = refused(tallystick("watch", UNKNOWN, "--url", "http://127.0.0.1:9", "--key", "tsk_x"))

    assert "cannot be reached" in line


def test_watch_follows_a_link_until_it_is_paid(running, live_server):
    server = live_server()
    link = link_at(server)

    watching = running("watch", link["id"], **at(server))
    watching.until("open")
    act(server, link["id"], "pay")

    assert "paid" in watching.until("paid")
    assert watching.process.wait(60) == 0


def test_watch_leaves_with_3_where_nobody_paid(tallystick, live_server):
    server = live_server()
    link = link_at(server)
    server.post(f"/api/payment-links/{link['id']}/cancel", token=server.secret_key)

    done = tallystick("watch", link["id"], **at(server))

    assert done.returncode == 3
    assert done.stdout.startswith("canceled")


def test_watch_polls_where_there_is_no_stream_to_be_had(live_server):
    server = live_server(env={"TALLYSTICK_STREAMS_IN_ALL": "1"})
    link, other = link_at(server), link_at(server)

    with server.client.stream(f"/api/payment-links/{other['id']}/stream") as events:
        next(events)
        told = follow(ServerClient(server.url), f"/api/payment-links/{link['id']}", poll_s=0.1)
        first = next(told)
        act(server, link["id"], "pay")
        rest = list(told)

    assert first["currentStatus"] == "OPEN"
    assert (rest[-1]["currentStatus"], rest[-1]["final"]) == ("PAID", True)


def test_watch_refuses_what_is_no_payment(tallystick, live_server):
    server = live_server()

    assert "pay_" in refused(tallystick("watch", "order-7", **at(server)))
    assert "no payment" in refused(tallystick("watch", UNKNOWN, **at(server)))


def test_why_tells_the_same_from_the_database_and_from_the_server(tallystick, server):
    link = link_at(server)
    act(server, link["id"], "pay")
    with server.client.stream(f"/api/payment-links/{link['id']}/stream") as events:
        assert any(json.loads(event.data)["final"] for event in events if event.name == "status")

    def both() -> tuple[str, str]:
        by_server = tallystick("why", link["id"], **at(server))
        by_database = tallystick("why", link["shortCode"], **environment_of(server.database))
        return by_server.stdout, by_database.stdout

    # The gateway's notice may come between the two; then both are asked again.
    by_server, _ = eventually(both, lambda told: told[0] == told[1])
    told = lines(by_server)
    assert told[0].endswith("is paid (exact), because:")
    assert any("Our own question to the gateway" in line for line in told)


@pytest.mark.parametrize("name", [UNKNOWN, "plink_01M7XKCXT93S4VQH16M8MMYQFJ", "NOSUCHCODE"])
def test_why_knows_nothing_of_unknown_payments(tallystick, database_url, name):
    assert "There is no payment" in refused(tallystick("why", name, **environment_of(database_url)))
