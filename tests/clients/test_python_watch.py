"""`watch` gives each new state once and the final one last, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tallystick.client import NotFound, WatchTimedOut
from tests.clients.callers import CALLERS
from tests.clients.test_browser_faults import FAULTS
from tests.http.shop import Sale, Shop
from tests.web.misbehaving import (
    STATUS,
    Misbehaving,
    cuts,
    event,
    freezes,
    misbehaving,
    refuses,
    says,
)

SOON = {"pause_s": 0.02, "silence_s": 0.5}


@pytest.fixture
def road() -> Iterator[Misbehaving]:
    """What stands before the hub. No browser looks for pages there, which need React."""
    with misbehaving() as running:
        yield running


def pays(sale: Sale, gate: threading.Event) -> Callable[[object], None]:
    """The payer pays when the first state was told."""

    def told(status) -> None:
        if status.final or gate.is_set():
            return
        sale.act("pay")
        sale.becomes("paid")
        gate.set()

    return told


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("fault", [*FAULTS, "none"])
def test_the_last_state_is_the_right_one(shop: Shop, caller, fault: str):
    sale, gate = shop.payment(), threading.Event()
    with misbehaving() as road:
        url = shop.server.url
        if fault != "none":
            script = FAULTS[fault](url, gate)
            # Nothing is known yet, and what fails then is told to the caller.
            script["status"] = script["status"][-1:] + script["status"]
            road.plays(**script)
            url = road.url
        hub = caller(url, sale.token, timeout_s=1)

        seen = hub.each(lambda hub: hub.payments.watch(sale.id, **SOON), pays(sale, gate))

    versions = [one.version for one in seen]
    assert versions == sorted(set(versions))
    assert (seen[0].phase, seen[-1].phase) == ("open", "paid")
    assert [one.final for one in seen].index(True) == len(seen) - 1


@pytest.mark.parametrize("caller", CALLERS)
def test_a_link_is_watched_by_its_id_and_so_is_a_payment(shop: Shop, caller):
    sale = shop.chosen_link()
    gate = threading.Event()
    hub = caller(shop.server.url, shop.server.secret_key)

    seen = hub.each(lambda hub: hub.watch(sale.link_id), pays(sale, gate))
    again = hub.each(lambda hub: hub.watch(sale.id))

    assert seen[-1].current_status == "PAID"
    assert seen[-1].transaction_info.amount == 50_000
    assert [one.phase for one in again] == ["paid"]


@pytest.mark.parametrize("caller", CALLERS)
def test_what_does_not_exist_is_told_at_once(shop: Shop, caller):
    hub = caller(shop.server.url, shop.server.secret_key)

    with pytest.raises(NotFound):
        hub.each(lambda hub: hub.watch("pay_00000000000000000000000000"))


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("stream", [refuses(503), freezes()], ids=["refused", "silent"])
def test_a_watch_that_is_given_a_time_ends_with_it(road: Misbehaving, caller, stream):
    road.plays(status=[whole(1)], stream=[stream])

    with pytest.raises(WatchTimedOut):
        caller(road.url).each(lambda hub: hub.payments.watch("pay_1", timeout_s=0.3, **SOON))


@pytest.mark.parametrize("caller", CALLERS)
def test_a_stream_that_is_cut_goes_on_after_the_last_version(road: Misbehaving, caller):
    road.plays(
        status=[whole(1), whole(2), whole(3, final=True)],
        stream=[cuts(event(2)), refuses(503, **{"Retry-After": "900"})],
    )

    seen = caller(road.url).each(lambda hub: hub.payments.watch("pay_1", **SOON))

    assert [one.version for one in seen] == [1, 2, 3]
    assert road.headers("stream", "last-event-id") == ["1"]
    assert STATUS.startswith("/api/payments/pay_1")


def whole(version: int, *, final: bool = False):
    """A status answer with all that a payment's has."""
    return says(
        version, final=final, phase="open", amountState="none", late=False, amount=1,
        currency="VND", received=0, refunded=0, statusMessage="", advice="",
        expiresAt="2026-11-20T00:00:00Z",
    )  # fmt: skip
