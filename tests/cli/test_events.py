"""`tallystick listen`, `trigger` and `events`: from the terminal of somebody who integrates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tallystick
from tallystick.domain.event import PAYMENT_EVENTS, PING
from tallystick.domain.standard_webhooks import decoded_key
from tallystick.products import WEB_PARTS
from tallystick.sandbox.commands.trigger import SCRIPTS, trigger
from tallystick.web.event_schemas import EVENTS
from tests.cli.conftest import PATIENCE_S, refused
from tests.cli.test_payments import at
from tests.events.receiver import receiving
from tests.infra import shared
from tests.infra.live import LiveServer

ALL = {*EVENTS, *WEB_PARTS.events} - {PING}


@pytest.fixture
def dev(live_server) -> LiveServer:
    """A development server of this test's own, since clocks are moved."""
    return live_server()


def test_every_event_that_can_be_triggered_happens(dev, capsys):
    for event in SCRIPTS:
        trigger(event, dev.url, dev.secret_key)

        told = capsys.readouterr().out.split()
        shown = dev.get(f"/api/events/{told[-1]}", token=dev.secret_key).data
        assert (told[0], shown["type"]) == (event, event)
        about = {shown["paymentId"], shown["subject"], shown["data"].get("orderId")}
        assert told[1] in about


def test_trigger_knows_every_event():
    assert set(SCRIPTS) == ALL


def test_every_event_that_is_told_of_is_in_the_list():
    told = {
        word
        for path in (Path(tallystick.__file__).parent).rglob("*.py")
        if "gateways" not in path.parts and "simulators" not in path.parts
        for word in re.findall(r'"((?:refund|giftcard|order|topup|task|commission)\.[a-z_]+)"',
                               path.read_text())
    }  # fmt: skip

    assert told == ALL - {*PAYMENT_EVENTS}


def test_what_cannot_be_triggered_is_told(tallystick, dev):
    assert "payment.paid" in refused(tallystick("trigger", "payment.payed", **at(dev)))


def test_listen_prints_events_and_forwards_them_signed(tallystick, dev, running):
    secret = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"
    with receiving() as receiver:
        listening = running(
            "listen", "--forward-to", receiver.url, "--secret", secret, "--count", "2",
            "--events", "payment.*", **at(dev),
        )  # fmt: skip
        shared.wait_until(
            lambda: "Listening at" in listening.log.read_text(), listening.process, listening.log
        )
        tallystick("trigger", "payment.paid", **at(dev))
        first, second = receiver.gets(2)
        assert listening.process.wait(PATIENCE_S) == 0

    key = decoded_key(secret)
    assert key is not None
    assert [one.type for one in (first, second)] == ["payment.opened", "payment.paid"]
    assert first.is_signed_with(key)
    assert second.is_signed_with(key)
    lines = listening.said.read_text().splitlines()
    assert all("-> 200" in line for line in lines)
    assert len(lines) == 2


def test_events_resend_sends_one_again_or_all_since(tallystick, dev):
    with receiving() as receiver:
        wish = {"url": receiver.url, "events": ["payment.opened"]}
        token = dev.secret_key
        made = dev.post("/api/webhook-endpoints", json=wish, token=token).data["id"]
        tallystick("trigger", "payment.opened", **at(dev))
        (came,) = receiver.gets(1)

        one = tallystick("events", "resend", came.id, **at(dev))
        every = tallystick(
            "events", "resend", "--since", came.event["timestamp"], "--endpoint", made,
            **at(dev),
        )  # fmt: skip
        receiver.gets(3)

    assert one.stdout == every.stdout == "1 delivery is on the way.\n"
    assert "--since" in refused(tallystick("events", "resend", **at(dev)))
