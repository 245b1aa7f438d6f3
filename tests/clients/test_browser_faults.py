"""Whatever happens on the way to the hub, the last screen is the right one."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.clients.road import cuts, delays, freezes, passes
from tests.http.shop import Shop
from tests.web.misbehaving import Act, Misbehaving, refuses

# What each of the three shows while nobody has paid, and when it is over.
SCREENS = {
    "watch": {"open": "open", "paid": "paid", "canceled": "canceled"},
    "hook": {"open": "open", "paid": "paid", "canceled": "canceled"},
    "element": {
        "open": "Waiting for your payment",
        "paid": "Paid",
        "canceled": "This payment was canceled",
    },
}
Script = dict[str, list[Act]]


def cut(hub: str, _: threading.Event) -> Script:
    """Every stream is cut in its second event, and two readings in their middle."""
    return {"stream": [cuts(hub)], "status": [cuts(hub), cuts(hub), passes(hub)]}


def freeze(hub: str, _: threading.Event) -> Script:
    """Streams tell the first state and are dead; the first reading is never answered."""
    return {"stream": [freezes(hub)], "status": [freezes(hub), passes(hub)]}


def delay(hub: str, gate: threading.Event) -> Script:
    """The first answers, of before the payment, come after it."""
    late = delays(hub, gate)
    return {"stream": [late, passes(hub)], "status": [passes(hub), late, late, passes(hub)]}


def failure(hub: str, _: threading.Event) -> Script:
    """Streams are never there; readings fail before and after the first state is known."""
    broken = refuses(500)
    return {"stream": [broken], "status": [broken, passes(hub), broken, broken, passes(hub)]}


FAULTS: dict[str, Callable[[str, threading.Event], Script]] = {
    "cut": cut, "freeze": freeze, "delay": delay, "500": failure,
}  # fmt: skip


def until(page: Page, words: str) -> None:
    """Let the page's time pass, half a second after the other, until the screen says so."""
    for _ in range(1500):
        if said(page) == words:
            return
        page.clock.run_for(500)
        page.wait_for_timeout(10)
    raise AssertionError(f"The screen never said {words!r}; it says {said(page)!r}.")


def said(page: Page) -> str:
    """What the screen says: the element's headline, or the whole text."""
    title = page.locator("payment-status .title")
    return (title if title.count() else page.locator("#screen")).inner_text()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("screen", SCREENS)
def test_the_last_screen_is_the_right_one(
    quick: Page, road: Misbehaving, shop: Shop, fault: str, screen: str
):
    words, gate = SCREENS[screen], threading.Event()
    end = "canceled" if fault == "freeze" else "paid"
    sale = shop.payment()
    road.plays(**FAULTS[fault](shop.server.url, gate))
    quick.goto(f"{road.url}/{screen}?paymentId={sale.id}&token={sale.token}")
    until(quick, words["open"])

    sale.cancel() if end == "canceled" else sale.act("pay")
    sale.becomes(end)
    if fault == "delay":
        gate.set()
    until(quick, words[end])
    asked = road.times("status"), road.times("stream")
    quick.clock.run_for(120_000)
    quick.wait_for_timeout(50)

    assert said(quick) == words[end]
    assert (road.times("status"), road.times("stream")) == asked, "It is over, and quick asks."
