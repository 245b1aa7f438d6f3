"""The hooks keep the promises of those they replace, the element speaks, and all is one package."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from scripts import share_clients
from tallystick.domain.link import SENTENCES, Message
from tests.clients.pages import PACKAGE
from tests.infra import programs
from tests.infra.browser import assert_accessible
from tests.test_tidy import ROOT
from tests.web.misbehaving import Act, Misbehaving, freezes, refuses, says

MONEY: dict[str, Any] = {
    "amount": 50_000,
    "currency": "VND",
    "received": 0,
    "late": False,
    "statusMessage": "",
}
OPEN: dict[str, Any] = {**MONEY, "phase": "open", "amountState": "none"}
PAID: dict[str, Any] = {**MONEY, "phase": "paid", "amountState": "exact", "received": 50_000}


def settle(page: Page, so: Callable[[], Any]) -> None:
    """Give the page all the time it needs."""
    for _ in range(500):
        if so():
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"It never was so; the screen says {page.locator('#screen').inner_text()}")


def until(page: Page, so: Callable[[], Any]) -> None:
    """Let the page's time pass, half a second after the other, until it is so."""
    for _ in range(1000):
        if so():
            return
        page.clock.run_for(500)
        page.wait_for_timeout(10)
    raise AssertionError(f"It never was so; the screen says {page.locator('#screen').inner_text()}")


def screen(page: Page) -> str:
    """What the page says."""
    return page.locator("#screen").inner_text()


def start(page: Page, road: Misbehaving, words: str = "paymentId=pay_1") -> None:
    """Open the hook's page on a clock that stands still."""
    page.clock.install(time=0)
    page.clock.pause_at(1_000)
    page.goto(f"{road.url}/hook?{words}")
    settle(page, lambda: page.evaluate("Boolean(window.polling)"))


def test_the_hook_loads_tells_each_change_once_and_stops_at_the_end(page, road):
    road.plays(status=[says(1, **OPEN), says(2, **OPEN), says(3, final=True, **PAID)])

    start(page, road)
    assert screen(page) == "loading"
    until(page, lambda: screen(page) == "paid")
    asked = len(road.asked)
    page.clock.run_for(3_600_000)
    page.wait_for_timeout(50)

    assert page.evaluate("changes") == [1, 2, 3]
    assert page.evaluate("timeOuts") == 0
    assert len(road.asked) == asked


def test_without_options_it_asks_every_three_seconds_and_gives_up_after_a_quarter_of_an_hour(
    page, road
):
    road.plays(status=[says(1, **OPEN)])

    start(page, road)
    page.clock.run_for(2_900)
    page.wait_for_timeout(50)
    assert road.times("status") == 0
    until(page, lambda: screen(page) == "open")
    asked = page.evaluate("performance.now()")
    until(page, lambda: road.times("status") == 3)
    # Two pauses of three seconds, and what the steps of the page's clock add.
    assert 6_000 <= page.evaluate("performance.now()") - asked < 12_000
    page.clock.run_for(800_000)
    page.wait_for_timeout(50)
    assert screen(page) == "open"
    page.clock.run_for(100_000)

    settle(page, lambda: screen(page) == "timed out")


def test_what_the_server_of_the_page_knew_is_shown_until_the_first_answer(page, road):
    road.plays(status=[says(4, **OPEN), says(5, final=True, **PAID)])

    start(page, road)
    known = {"id": "pay_2", "version": 4, "final": False, **OPEN}
    page.evaluate("(initialStatus) => show({ paymentId: 'pay_2', initialStatus })", known)
    settle(page, lambda: screen(page) == "open")
    assert page.evaluate("polling.isLoading") is False
    assert road.times("status") == 0
    until(page, lambda: screen(page) == "paid")

    assert page.evaluate("changes") == [5]


@pytest.mark.parametrize("status", [401, 404])
def test_the_hook_asks_once_for_what_was_never_there(page, road, status):
    road.plays(status=[refuses(status)], stream=[refuses(status)])

    start(page, road)
    until(page, lambda: page.evaluate("polling.error?.status") == status)
    asked = len(road.asked)
    page.clock.run_for(600_000)
    page.wait_for_timeout(50)

    assert len(road.asked) == asked


def test_the_first_reading_comes_after_the_initial_interval(page, road):
    road.plays(status=[says(1, **OPEN)])

    start(page, road, "paymentId=pay_1&initialInterval=20000")
    page.clock.run_for(19_000)
    page.wait_for_timeout(50)
    assert road.times("status") == 0
    until(page, lambda: screen(page) == "open")

    assert road.times("status") == 1


def test_after_the_time_out_nothing_is_asked_until_somebody_wants_to_know(page, road):
    road.plays(status=[says(1, **OPEN)])

    start(page, road, "paymentId=pay_1&timeout=30000")
    until(page, lambda: screen(page) == "timed out")
    asked = len(road.asked)
    page.clock.run_for(600_000)
    page.wait_for_timeout(50)
    assert len(road.asked) == asked
    assert page.evaluate("timeOuts") == 1
    road.plays(status=[says(2, **OPEN), says(3, final=True, **PAID)])
    page.evaluate("polling.refetch()")

    settle(page, lambda: screen(page) == "open")
    until(page, lambda: screen(page) == "paid")
    page.clock.run_for(60_000)
    assert page.evaluate("timeOuts") == 1


def test_a_refetch_reads_at_once_and_a_failed_one_does_not_reject(page, road):
    road.plays(status=[refuses(500), says(1, **OPEN)], stream=[freezes()])
    start(page, road)

    page.evaluate("polling.refetch()")
    settle(page, lambda: page.evaluate("polling.error?.status") == 500)
    page.evaluate("polling.refetch()")
    settle(page, lambda: screen(page) == "open")

    assert page.evaluate("polling.error") is None
    assert page.evaluate("polling.isLoading") is False


def test_while_it_is_not_enabled_nothing_is_asked_and_what_is_known_stays(page, road):
    road.plays(status=[says(1, **OPEN)])
    start(page, road)
    until(page, lambda: screen(page) == "open")

    page.evaluate("change((old) => ({ ...old, enabled: false }))")
    page.wait_for_timeout(50)
    asked = len(road.asked)
    page.clock.run_for(600_000)
    page.wait_for_timeout(50)
    assert (screen(page), len(road.asked)) == ("open", asked)
    road.plays(status=[says(2, final=True, **PAID)])
    page.evaluate("change((old) => ({ ...old, enabled: true }))")

    until(page, lambda: screen(page) == "paid")


def test_another_payment_never_shows_the_state_of_the_one_before(page, road):
    road.plays(status=[says(9, final=True, **PAID)])
    start(page, road)
    until(page, lambda: screen(page) == "paid")

    road.plays(status=[says(1, **OPEN)])
    page.evaluate('renders.length = 0, change({ paymentId: "pay_2" })')
    settle(page, lambda: screen(page) == "loading")
    until(page, lambda: screen(page) == "open")

    assert page.evaluate("renders")[0] is None
    assert page.evaluate("changes.at(-1)") == 1


def test_without_anything_to_follow_the_hook_waits_for_it(page, road):
    start(page, road, "")
    page.clock.run_for(60_000)

    assert screen(page) == "nothing"
    assert road.asked == []


TOPUP: dict[str, Any] = {"tx_ref": "top_1", "amount": 50_000, "currency": "VND", "received": 0}


def open_topup(page: Page, road: Misbehaving, words: str = "txRef=top_1&token=tct_1") -> None:
    """Open the page of the wallet's hook on a clock that stands still."""
    page.clock.install(time=0)
    page.clock.pause_at(1_000)
    page.goto(f"{road.url}/topup?{words}")
    settle(page, lambda: page.evaluate("Boolean(window.topup)"))


def test_the_wallets_hook_follows_a_top_up_by_its_tx_ref(page, road):
    confirmed = {**TOPUP, "status": "confirmed", "received": 50_000}
    road.plays(status=[says(1, **TOPUP, status="pending"), says(2, final=True, **confirmed)])

    open_topup(page, road)
    assert screen(page) == "nothing alone"
    until(page, lambda: screen(page) == "pending connected")
    until(page, lambda: screen(page) == "confirmed connected")

    assert page.evaluate("updates") == [1, 2]
    assert page.evaluate("topup.error") is None
    assert set(road.headers("status", "Authorization")) == {"Bearer tct_1"}


def test_the_wallets_hook_says_when_nobody_answers_and_reconnects(page, road):
    road.plays(status=[refuses(502), says(1, **TOPUP, status="pending")], stream=[freezes()])

    open_topup(page, road)
    page.evaluate("topup.reconnect()")
    settle(page, lambda: page.evaluate("topup.error?.message") == "The server answered 502.")
    assert screen(page) == "nothing alone"
    page.evaluate("topup.reconnect()")

    settle(page, lambda: screen(page) == "pending connected")
    assert page.evaluate("errors") == ["The server answered 502."]


def test_without_a_tx_ref_the_wallets_hook_waits_for_one(page, road):
    open_topup(page, road, "")
    page.clock.run_for(60_000)
    assert road.asked == []
    road.plays(status=[says(1, **TOPUP, status="pending")])

    page.evaluate('change({ txRef: "top_1" })')

    until(page, lambda: screen(page) == "pending connected")


@pytest.mark.parametrize("words", ["paymentLinkId=plink_1", "shortCode=AbC123", "paymentId=pay_1"])
def test_the_monitor_shows_what_was_known_and_then_what_is_true(page, road, words):
    link = {**MONEY, "amountState": "exact", "received": 50_000, "currentStatus": "PAID"}
    road.plays(status=[says(1, final=True, **(PAID if "pay_1" in words else link))])
    page.clock.install(time=0)
    page.clock.pause_at(1_000)

    page.goto(f"{road.url}/monitor?{words}&initialStatus=OPEN")
    title = page.locator("payment-status .title")
    settle(page, lambda: title.count() and title.inner_text() == "Waiting for your payment")
    until(page, lambda: title.inner_text() == "Paid")

    assert page.evaluate("changes.length") == 1
    assert page.evaluate("changes[0].toLowerCase()") == "paid"


def test_the_monitor_keeps_the_token_out_of_the_page(quick, road):
    road.plays(status=[says(1, **OPEN)])

    quick.goto(f"{road.url}/monitor?paymentId=pay_1&token=tct_secret")
    until(quick, lambda: road.times("status") > 0)

    assert set(road.headers("status", "Authorization")) == {"Bearer tct_secret"}
    assert "tct_secret" not in quick.locator("#screen").inner_html()


# A status, and what the element makes of it in English: its scene, and a word of its headline.
SCENES: dict[str, tuple[dict[str, Any], str]] = {
    "draft": (OPEN | {"phase": "draft"}, "not open yet"),
    "waiting": (OPEN, "Waiting for your payment"),
    "partial": (OPEN | {"amountState": "partial", "received": 20_000}, "₫20,000 of ₫50,000"),
    "processing": (OPEN | {"phase": "processing"}, "being confirmed"),
    "other_currency": (
        OPEN | {"statusMessage": "Money arrived in another currency."}, "another currency"
    ),
    "paid": (PAID, "Paid"),
    "paid_late": (PAID | {"late": True}, "Paid, after the deadline"),
    "paid_over": (PAID | {"amountState": "over", "received": 60_000}, "more than was due"),
    "expired": (OPEN | {"phase": "expired"}, "has run out"),
    "expired_partial": (
        {**OPEN, "phase": "expired", "amountState": "partial", "received": 1999, "amount": 150_000,
         "currency": "LKR"}, "19.99 of LKR",
    ),
    "canceled": (OPEN | {"phase": "canceled"}, "was canceled"),
    "canceled_money": (
        OPEN | {"phase": "canceled", "amountState": "exact", "received": 50_000},
        "Canceled, but ₫50,000",
    ),
}  # fmt: skip


def show(page: Page, road: Misbehaving, act: Act, scene: str, lang: str = "en") -> str:
    """The element's text, once it shows this scene."""
    road.plays(status=[act])
    page.goto(f"{road.url}/element?paymentId=pay_1&lang={lang}")
    until(page, lambda: page.locator("payment-status").get_attribute("state") == scene)
    return page.locator("payment-status [role=status]").inner_text()


def test_the_element_says_each_state_in_words_and_breaks_no_strict_policy(quick, road):
    for scene, (status, words) in SCENES.items():
        text = show(quick, road, says(1, **status), scene)

        assert words in text.replace("\N{NO-BREAK SPACE}", " "), scene
        assert "{" not in text
        assert quick.evaluate("broken") == []
        assert quick.evaluate("told") == [1]


@pytest.mark.parametrize(("lang", "words"), [
    ("vi", "20.000\N{NO-BREAK SPACE}₫"), ("si", "20,000"), ("ta-LK", "20,000"),
    ("fr", "₫20,000 of"),
])  # fmt: skip
def test_the_element_speaks_the_languages_of_the_pages(quick, road, lang, words):
    text = show(quick, road, says(1, **SCENES["partial"][0]), "partial", lang)

    assert words in text
    assert quick.locator("payment-status [role=status]").get_attribute("lang") in {
        "vi", "si", "ta", "en",
    }  # fmt: skip


def test_a_link_whose_money_is_in_flight_asks_nobody_to_pay_again(quick, road):
    status = {**MONEY, "currentStatus": "OPEN", "amountState": "none"}
    status["statusMessage"] = SENTENCES[Message.PROCESSING][0]

    assert "do not pay again" in show(quick, road, says(1, **status), "processing")


@pytest.mark.parametrize(
    ("status", "scene"), [(404, "missing"), (401, "missing"), (500, "unreachable")]
)
def test_the_element_says_where_there_is_nothing_to_show(quick, road, status, scene):
    road.plays(stream=[refuses(status)])

    assert show(quick, road, refuses(status), scene)


def test_an_element_that_shows_nothing_asks_once(quick, road):
    road.plays(stream=[refuses(404)])
    show(quick, road, refuses(404), "missing")

    asked = len(road.asked)
    quick.clock.run_for(120_000)
    quick.wait_for_timeout(50)

    assert len(road.asked) == asked


def test_an_element_whose_time_is_over_hears_of_late_money(quick, road):
    show(quick, road, says(1, final=True, **SCENES["expired"][0]), "expired")

    road.plays(status=[says(2, final=True, **(PAID | {"late": True}))])
    until(quick, lambda: quick.locator("payment-status").get_attribute("state") == "paid_late")


def test_an_element_that_leaves_the_page_asks_nothing_more(quick, road):
    show(quick, road, says(1, **OPEN), "waiting")

    quick.evaluate("element.remove()")
    asked = len(road.asked)
    quick.clock.run_for(120_000)
    quick.wait_for_timeout(50)

    assert len(road.asked) == asked


def test_the_element_is_readable_for_everybody(every_page, road):
    every_page.clock.install()
    for scene in ("waiting", "partial", "processing", "paid", "expired"):
        show(every_page, road, says(1, **SCENES[scene][0]), scene)
        assert_accessible(every_page)


def test_there_is_one_watcher_and_one_catalogue():
    for name, text in share_clients.files().items():
        told = f"clients/js/{name} is another; run: .venv/bin/python scripts/share_clients.py"
        assert (PACKAGE / name).read_text() == text, told


@pytest.mark.tools
def test_a_shop_in_typescript_knows_what_it_is_told(tmp_path):
    packages = tmp_path / "node_modules"
    packages.mkdir()
    for one in programs.react().iterdir():
        (packages / one.name).symlink_to(one)
    shutil.copytree(PACKAGE, packages / "tallystick")
    shutil.copy(ROOT / "tests" / "clients" / "shop.tsx", tmp_path)
    strict = [
        "--strict",
        "--noEmit",
        "--preserveSymlinks",
        "--jsx",
        "react-jsx",
        "--module",
        "nodenext",
    ]

    done = subprocess.run(
        [programs.node(), packages / "typescript/lib/tsc.js", *strict, "shop.tsx"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout


def test_the_package_names_what_it_has_and_needs_nothing():
    package = json.loads((PACKAGE / "package.json").read_text())
    project = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    entries = [entry for entry in package["exports"].values() if isinstance(entry, dict)]

    assert "dependencies" not in package
    assert project is not None
    assert package["version"] == project[1]
    for path in [path for entry in entries for path in entry.values()]:
        assert (PACKAGE / path).is_file()
    for script in PACKAGE.glob("*.js"):
        assert script.with_suffix(".d.ts").is_file() or script.name == "words.js"
        for imported in re.findall(r'from "(.+?)"', script.read_text()):
            assert imported == "react" or (PACKAGE / imported).is_file()
