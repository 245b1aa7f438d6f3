"""`tallystick reconcile`: a gateway's list against ours, from the terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.cli.conftest import environment_of, refused
from tests.cli.test_payments import act, at, link_at
from tests.infra.live import LiveServer

TODAY = datetime.now(UTC)
SPAN = ("--gateway", "sandbox", "--from", f"{TODAY - timedelta(days=1):%Y-%m-%d}", "--to",
        (TODAY + timedelta(days=1)).isoformat())  # fmt: skip


def paid_at(server: LiveServer) -> str:
    """A payment link that is paid in the sandbox; its id."""
    link = link_at(server)
    server.post(f"/pay/{link['shortCode']}/attempts", json={"gateway": "sandbox"})
    act(server, link["id"], "pay")
    return str(link["id"])


def test_what_matches_leaves_with_0_and_what_differs_with_1(tallystick, live_server):
    server = live_server()
    link = paid_at(server)

    clean = tallystick("reconcile", *SPAN, **at(server))
    act(server, link, "lose_transfer")
    torn = tallystick("reconcile", *SPAN, **at(server))

    assert (clean.returncode, clean.stdout) == (0, "sandbox: 1 matched, 0 differ.\n")
    assert torn.returncode == 1
    assert "missing_there: There is a receipt of 50000 VND" in torn.stdout
    assert "(diff_" in torn.stdout


def test_without_a_server_it_asks_with_the_keys_of_the_settings(tallystick, database_url):
    line = refused(tallystick("reconcile", *SPAN, **environment_of(database_url)))

    assert "The gateway 'sandbox' is not set up" in line


def test_a_time_that_is_none_is_told(tallystick):
    line = refused(
        tallystick("reconcile", "--gateway", "x", "--from", "yesterday", "--to", "2026-01-01")
    )

    assert line.startswith("'yesterday' is no time")
