"""What is signed as Standard Webhooks say is believed by the public library of that name."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tallystick.domain.money import Money
from tallystick.flows import endpoints
from tallystick.flows.deliver import deliver_events
from tallystick.flows.endpoints import Wanted
from tallystick.gateways.polar import Polar, PolarAccount
from tests.events.conftest import database, house
from tests.events.receiver import Receiver, receiving
from tests.sdks.stand import POLAR, Stand
from tests.sdks.test_requests import order_for, wire

__all__ = ["database", "house", "wire"]

pytestmark = pytest.mark.slow


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A merchant's system that accepts everything."""
    with receiving() as found:
        yield found


@pytest.mark.sqlite_only
async def test_our_events_are_believed_with_either_secret_while_one_replaces_the_other(
    house, receiver, walk
):
    # The library knows no other time than the machine's.
    house.pass_time(seconds=(datetime.now(UTC) - house.hub.clock.real_now()).total_seconds())
    made, old = await endpoints.create(house.hub, Wanted(receiver.url, ("*",)))
    _, new = await endpoints.rotate(house.hub, made.id, timedelta(hours=1))
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.settle(payment_id)
    while await deliver_events(house.hub):
        pass

    assert receiver.types() == ["payment.opened", "payment.paid"]
    notices = [
        {"headers": dict(one.headers), "body": one.body.decode()} for one in receiver.accepted
    ]
    walk("standard_webhooks", "standardwebhooks-1.1.0", notices=notices, secrets=[old, new])


async def test_polars_notices_are_believed_with_the_whole_secret_as_key(stand: Stand, walk, wire):
    url = f"{stand.url}/_sim/polar/v1"
    gateway = Polar(PolarAccount(POLAR.access_token, (POLAR.webhook_secret,), base_url=url), wire)
    order = order_for(gateway, Money(1_100, "USD"))
    await gateway.open_checkout(order)

    await stand.act("polar", order.our_ref, "pay")

    notices = stand.heard_about("polar", order.our_ref)
    assert len(notices) == 5
    secret = base64.b64encode(POLAR.webhook_secret.encode()).decode()
    walk("standard_webhooks", "standardwebhooks-1.1.0", notices=notices, secrets=[secret])
