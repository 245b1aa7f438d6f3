"""The simulators: what their acts do, to the books and to the hub, at which virtual time."""

import ast
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from tallystick.domain.errors import Conflict, Invalid, NotFound
from tallystick.domain.money import Money
from tallystick.gateways.base import AttemptRef, Gateway, Wire
from tallystick.gateways.payos import PayOS, PayOSAccount
from tallystick.sandbox.adapter import Sandbox, SandboxAccount
from tallystick.sandbox.simulators import host as module
from tallystick.sandbox.simulators.acts import ACTS, mangled
from tallystick.sandbox.simulators.faults import Fault
from tallystick.sandbox.simulators.host import Simulators
from tallystick.sandbox.simulators.payos import payos
from tallystick.sandbox.simulators.sandbox import sandbox
from tests.gateways.hub_stand_in import CANCEL_URL, PAYOS, SANDBOX, HubStandIn

# The table in the public contract, section 13.
CONTRACT = """
    pay underpay overpay pay_twice pay_late wrong_currency decline cancel mangle_memo lose_webhook
    repeat_webhook reorder_webhooks replay_webhook forge_webhook truncate_webhook unknown_field
    time_out_after_success error_500 hang dashboard_refund
"""
# Beside it: how the gateway's books can come to differ from ours, and how it changes its mind.
OUR_OWN = {
    "forget_memo", "stray_transfer", "lose_transfer", "change_transfer", "lose_refund",
    "reverse_refund", "slow_refunds", "finish_refund", "chargeback", "chargeback_lost",
    "chargeback_won", "strangers", "odd_lines", "unknown_value",
}  # fmt: skip
FIFTY = Money(50_000, "VND")
SHARED = ("tallystick.domain.", "tallystick.private_files.", "tallystick.sandbox.simulators.")
ROOT = Path(__file__).resolve().parents[2]
PATHS = os.pathsep.join([str(ROOT), str(ROOT / "src")])


@pytest.fixture(params=["payos", "sandbox"])
def gateway(request: pytest.FixtureRequest, hub: HubStandIn, wire: Wire) -> Gateway:
    """Each adapter, as the hub has it."""
    keys = (SANDBOX.webhook_secret,)
    hub.gateways["sandbox"] = Sandbox(
        SandboxAccount(SANDBOX.api_key, keys, f"{hub.url}/_sim/sandbox"), wire
    )
    address = f"{hub.url}/_sim/payos"
    hub.gateways["payos"] = PayOS(
        PayOSAccount(PAYOS.client_id, PAYOS.api_key, (PAYOS.checksum_key,), address, address), wire
    )
    return hub.gateways[request.param]


@pytest.fixture
def another_life(tmp_path: Path) -> Callable[[HubStandIn], Simulators]:
    """The simulators of a server that starts on the same books after a kill -9."""

    def begin(hub: HubStandIn) -> Simulators:
        return Simulators(
            [payos(PAYOS), sandbox(SANDBOX)],
            base_url=hub.url,
            webhook_url=lambda gateway: f"{hub.url}/webhooks/{gateway}",
            books_path=tmp_path / "simulators.db",
        )

    return begin


def test_every_act_of_the_contract_can_be_played():
    assert set(ACTS) == set(CONTRACT.split()) | OUR_OWN


def test_the_simulators_share_no_code_with_the_adapters():
    for path in Path(module.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text())
        names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        ours = [name for name in names if name.startswith("tallystick.")]
        assert [name for name in ours if not f"{name}.".startswith(SHARED)] == [], path.name


async def test_an_unknown_act_lists_the_acts(hub):
    with pytest.raises(Invalid, match=r"no act 'dance'.*cancel.*underpay"):
        await hub.simulators.act("payos", "1", "dance")


async def test_an_unknown_order_or_gateway_is_not_found(hub):
    with pytest.raises(NotFound, match="knows no order '1'"):
        await hub.simulators.act("payos", "1", "pay")
    with pytest.raises(NotFound, match="payos, sandbox"):
        await hub.simulators.act("stripe", "1", "pay")


@pytest.mark.parametrize(
    "wrong",
    [
        {"act": "pay", "amount": 1}, {"act": "underpay", "amount": 50_000},
        {"act": "overpay", "amount": 50_000}, {"act": "underpay", "amount": 0},
        {"act": "underpay", "amount": True}, {"act": "pay", "delay": -1},
        {"act": "pay", "delay": float("nan")}, {"act": "repeat_webhook", "times": 0},
        {"act": "hang", "times": -1}, {"act": "repeat_webhook", "times": 1001},
    ],
)  # fmt: skip
async def test_a_wrong_value_changes_nothing(hub, gateway, wrong):
    attempt = await hub.open(gateway, FIFTY)

    with pytest.raises(Invalid):
        await hub.simulators.act(gateway.name, attempt.our_ref, **wrong)

    assert hub.simulators.book(gateway.name).transfers == ()
    assert hub.simulators.next_due() is None


@pytest.mark.parametrize(
    ("name", "act"),
    [("payos", "wrong_currency"), ("payos", "dashboard_refund"), ("sandbox", "dashboard_refund"),
     ("sandbox", "mangle_memo")],
)  # fmt: skip
async def test_an_act_that_makes_no_sense_says_why(hub, gateway, name, act):
    attempt = await hub.open(hub.gateways[name], FIFTY)

    with pytest.raises(Conflict) as why:
        await hub.simulators.act(name, attempt.our_ref, act)

    assert len(why.value.detail) > 30
    assert hub.simulators.book(name).transfers == ()


@pytest.mark.parametrize("act", ["cancel", "decline"])
async def test_what_is_paid_can_neither_fail_nor_be_canceled(hub, gateway, act):
    attempt = await hub.open(gateway, FIFTY)
    await hub.simulators.act(gateway.name, attempt.our_ref, "pay")

    with pytest.raises(Conflict):
        await hub.simulators.act(gateway.name, attempt.our_ref, act)


async def amounts(hub: HubStandIn, attempt: AttemptRef, name: str, *acts: str) -> list[int]:
    """What the books have after these acts."""
    for act in acts:
        await hub.simulators.act(name, attempt.our_ref, act)
    return [transfer.amount for _, transfer in hub.simulators.book(name).transfers]


@pytest.mark.parametrize(
    ("acts", "arrived"),
    [
        (["pay"], [50_000]), (["underpay"], [45_000]), (["overpay"], [55_000]),
        (["underpay", "pay"], [45_000, 5_000]), (["pay_twice"], [50_000, 50_000]),
        (["decline", "pay"], [50_000]), (["cancel", "pay_late"], [50_000]),
        (["lose_webhook"], [50_000]), (["reorder_webhooks"], [25_000, 25_000]),
        (["forge_webhook"], []), (["cancel"], []), (["unknown_field"], [50_000]),
        (["repeat_webhook"], [50_000]), (["replay_webhook"], [50_000]),
    ],
)  # fmt: skip
async def test_an_act_moves_exactly_this_money(hub, gateway, acts, arrived):
    attempt = await hub.open(gateway, FIFTY)

    assert await amounts(hub, attempt, gateway.name, *acts) == arrived


async def test_the_smallest_amount_can_be_overpaid_and_not_underpaid(hub, gateway):
    attempt = await hub.open(gateway, Money(1, "VND"))

    with pytest.raises(Invalid):
        await hub.simulators.act(gateway.name, attempt.our_ref, "underpay")

    assert await amounts(hub, attempt, gateway.name, "overpay") == [2]


async def test_the_answer_tells_the_facts(hub, gateway):
    attempt = await hub.open(gateway, FIFTY)

    played = await hub.simulators.act(gateway.name, attempt.our_ref, "pay")

    assert played["summary"] == "The payer paid 50000 VND."
    assert played["order"]["received"] == 50_000
    [transfer], [delivery] = played["transfers"], played["deliveries"]
    assert (transfer["amount"], transfer["currency"]) == (50_000, "VND")
    assert (delivery["status"], delivery["done"], delivery["tries"]) == (200, True, 1)


async def test_the_same_seed_makes_the_same_references(hub, gateway, another_life):
    attempt = await hub.open(gateway, FIFTY)
    again = another_life(hub)

    one = await hub.simulators.act(gateway.name, attempt.our_ref, "forge_webhook", seed=7)
    two = await again.act(gateway.name, attempt.our_ref, "forge_webhook", seed=7)
    other = await again.act(gateway.name, attempt.our_ref, "forge_webhook", seed=8)
    await again.close()

    bodies = [raw.body for raw in hub.heard]
    assert (one["seed"], two["seed"], other["seed"]) == (7, 7, 8)
    reference = [hub.gateways[gateway.name].read_notice(hub.heard[i]) for i in (1, 3, 5)]
    assert reference[0].event_id == reference[1].event_id != reference[2].event_id
    assert len(bodies) == 6


# Notices


async def test_a_notice_that_is_not_answered_with_2xx_comes_again(hub, gateway):
    hub.answers.extend([500, 302])
    attempt = await hub.open(gateway, FIFTY)

    played = await hub.simulators.act(gateway.name, attempt.our_ref, "pay")
    assert (played["deliveries"][0]["status"], played["deliveries"][0]["done"]) == (500, False)
    assert await hub.simulators.deliver_due(hub.simulators.clock.now()) == 0
    assert await hub.simulators.deliver_due(hub.simulators.clock.advance(2)) == 1
    assert await hub.simulators.deliver_due(hub.simulators.clock.advance(10)) == 1

    assert hub.simulators.next_due() is None
    assert len({gateway.read_notice(raw).event_id for raw in hub.heard}) == 1
    assert len(hub.heard) == 3


async def test_a_gateway_gives_up_after_its_last_retry(hub, gateway):
    hub.answers.extend([503] * 100)
    attempt = await hub.open(gateway, FIFTY)

    await hub.simulators.act(gateway.name, attempt.our_ref, "pay")
    while hub.simulators.next_due():
        await hub.simulators.deliver_due(hub.simulators.clock.advance(86_400))

    assert len(hub.heard) == 9


async def test_nobody_at_the_door_is_no_failure_of_the_act(hub, gateway, tmp_path):
    attempt = await hub.open(gateway, FIFTY)
    lonely = Simulators(
        [payos(PAYOS), sandbox(SANDBOX)],
        base_url=hub.url,
        webhook_url=lambda _: "http://127.0.0.1:9/nobody",
        books_path=tmp_path / "simulators.db",
    )

    played = await lonely.act(gateway.name, attempt.our_ref, "pay")
    await lonely.close()

    assert played["deliveries"][0]["status"] is None
    assert played["deliveries"][0]["error"]


async def test_a_lost_notice_never_comes(hub, gateway):
    attempt = await hub.open(gateway, FIFTY)

    played = await hub.simulators.act(gateway.name, attempt.our_ref, "lose_webhook")

    assert played["deliveries"] == []
    assert await hub.simulators.deliver_due(hub.simulators.clock.advance(30 * 86_400)) == 0
    assert hub.heard == []


async def test_a_delayed_notice_waits_for_its_virtual_time(hub, gateway):
    attempt = await hub.open(gateway, FIFTY)

    played = await hub.simulators.act(gateway.name, attempt.our_ref, "pay", delay=3600)
    early = await hub.simulators.deliver_due(hub.simulators.clock.advance(3000))
    in_time = await hub.simulators.deliver_due(hub.simulators.clock.advance(600))

    assert played["deliveries"][0]["tries"] == 0
    assert (early, in_time, len(hub.heard)) == (0, 1, 1)


async def test_copies_come_all_at_once(hub, gateway):
    all_here = asyncio.Barrier(10)
    hub.pause = all_here.wait
    attempt = await hub.open(gateway, FIFTY)

    played = await hub.simulators.act(gateway.name, attempt.our_ref, "repeat_webhook")

    assert [delivery["status"] for delivery in played["deliveries"]] == [200] * 10


async def test_only_the_first_copy_is_retried(hub, gateway):
    hub.answers.extend([500] * 3)
    attempt = await hub.open(gateway, FIFTY)

    await hub.simulators.act(gateway.name, attempt.our_ref, "repeat_webhook", times=3)

    assert await hub.simulators.deliver_due(hub.simulators.clock.advance(3600)) == 1


@pytest.mark.parametrize("delay", [0, 60])
async def test_two_notices_come_in_reverse(hub, gateway, delay):
    attempt = await hub.open(gateway, FIFTY)

    played = await hub.simulators.act(
        gateway.name, attempt.our_ref, "reorder_webhooks", delay=delay
    )
    await hub.simulators.deliver_due(hub.simulators.clock.advance(delay))

    told = [gateway.read_notice(raw).credits[0].transaction_id for raw in hub.heard]
    assert told == [transfer["reference"] for transfer in played["transfers"]][::-1]


async def test_a_replay_is_the_same_bytes_much_later(hub, gateway):
    attempt = await hub.open(gateway, FIFTY)

    await hub.simulators.act(gateway.name, attempt.our_ref, "replay_webhook")
    due = hub.simulators.next_due()
    now = hub.simulators.clock.advance(3600)
    await hub.simulators.deliver_due(now)

    first, second = hub.heard
    assert due
    assert due <= now
    assert first.body == second.body
    # Where the time is signed, it is the old one.
    at_once = replace(second, received_at=first.received_at)
    assert gateway.read_notice(at_once) == gateway.read_notice(first)


async def test_a_cut_notice_is_refused_and_comes_whole_with_the_retry(hub, gateway):
    attempt = await hub.open(gateway, FIFTY)

    played = await hub.simulators.act(gateway.name, attempt.our_ref, "truncate_webhook")
    await hub.simulators.deliver_due(hub.simulators.clock.advance(2))

    cut, whole = hub.heard
    assert played["deliveries"][0]["status"] == 401
    assert whole.body.startswith(cut.body)
    assert len(cut.body) < len(whole.body)
    assert gateway.read_notice(whole).credits[0].money == FIFTY
    assert hub.simulators.next_due() is None


async def test_what_is_on_its_way_is_not_sent_twice(hub, gateway):
    attempt = await hub.open(gateway, FIFTY)
    await hub.simulators.act(gateway.name, attempt.our_ref, "pay", delay=1)
    now = hub.simulators.clock.advance(1)
    waiting: list[object] = []

    async def look() -> None:
        waiting.append(hub.simulators.next_due())

    hub.pause = look

    tried = await asyncio.gather(*(hub.simulators.deliver_due(now) for _ in range(5)))

    assert sorted(tried) == [0, 0, 0, 0, 1]
    assert waiting == [None]
    assert len(hub.heard) == 1


async def test_one_slow_order_does_not_hold_up_the_others(hub, gateway):
    both_here = asyncio.Barrier(2)
    hub.pause = both_here.wait
    for _ in range(2):
        attempt = await hub.open(gateway, FIFTY)
        await hub.simulators.act(gateway.name, attempt.our_ref, "pay", delay=1)

    assert await hub.simulators.deliver_due(hub.simulators.clock.advance(1)) == 2
    assert hub.simulators.next_due() is None


# Memory


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tallystick.sandbox.simulators.host import Simulators
from tallystick.sandbox.simulators.payos import payos
from tallystick.sandbox.simulators.sandbox import sandbox
from tests.gateways.hub_stand_in import PAYOS, SANDBOX

url, path, gateway, ref = sys.argv[1:]
simulators = Simulators(
    [payos(PAYOS), sandbox(SANDBOX)],
    base_url=url,
    webhook_url=lambda gateway: f"{url}/webhooks/{gateway}",
    books_path=Path(path),
)

async def play():
    simulators.clock.advance(86_400)
    await simulators.act(gateway, ref, "pay_late", delay=60)
    await simulators.act(gateway, ref, "error_500", times=3)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(play())
"""


async def test_a_kill_forgets_nothing(hub, gateway, another_life, tmp_path):
    attempt = await hub.open(gateway, FIFTY)
    names = (hub.url, str(tmp_path / "simulators.db"), gateway.name, attempt.our_ref)

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, *names, env={**os.environ, "PYTHONPATH": PATHS}
    )
    killed_by = -await process.wait()
    after = another_life(hub)
    tried = await after.deliver_due(after.clock.advance(60))
    book, offset = after.book(gateway.name), after.clock.offset_s
    faults = after.faults.left(gateway.name, Fault.ERROR_500)
    await after.close()

    assert killed_by == signal.SIGKILL
    assert [transfer.amount for _, transfer in book.transfers] == [50_000]
    assert (tried, len(hub.heard)) == (1, 1)
    assert (offset, faults) == (86_460, 3)


async def test_an_act_that_fails_half_way_leaves_no_trace(hub, gateway, monkeypatch):
    attempt = await hub.open(gateway, FIFTY)

    def half(context):
        context.tell(context.arrive(context.money(1)))
        raise Conflict("in the middle")

    monkeypatch.setitem(ACTS, "pay", half)
    with pytest.raises(Conflict):
        await hub.simulators.act(gateway.name, attempt.our_ref, "pay")

    assert hub.simulators.book(gateway.name).transfers == ()
    assert hub.simulators.next_due() is None


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e12])
async def test_the_clock_only_goes_forward(hub, seconds):
    before = hub.simulators.clock.now()

    with pytest.raises(Invalid):
        hub.simulators.clock.advance(seconds)

    assert hub.simulators.clock.now() >= before
    assert hub.simulators.clock.offset_s == 0


async def test_stamps_are_in_virtual_time(hub, gateway):
    now = hub.simulators.clock.advance(86_400)
    attempt = await hub.open(gateway, FIFTY)

    await hub.simulators.act(gateway.name, attempt.our_ref, "pay")

    [order] = hub.simulators.book(gateway.name).orders
    assert order.created_at >= now
    assert order.transfers[0].at >= now


# Faults


async def status(hub: HubStandIn, wire: Wire) -> int:
    """What a call to an order that is not there is answered."""
    headers = {"Authorization": f"Bearer {SANDBOX.api_key}"}
    url = f"{hub.url}/_sim/sandbox/v1/payments/nothing"
    return (await wire.send("GET", url, headers=headers)).status


@pytest.mark.parametrize(("fault", "seen"), [("error_500", 500), ("time_out_after_success", 504)])
async def test_so_many_calls_go_wrong_and_then_no_more(hub, wire, fault, seen):
    await hub.simulators.act("sandbox", "any", fault, times=2)

    assert [await status(hub, wire) for _ in range(3)] == [seen, seen, 404]


async def test_one_call_goes_wrong_where_no_number_is_said(hub, wire):
    await hub.simulators.act("sandbox", "any", "error_500")

    assert [await status(hub, wire) for _ in range(2)] == [500, 404]


async def test_planned_faults_can_be_taken_back(hub, wire):
    await hub.simulators.act("sandbox", "any", "error_500", times=5)

    await hub.simulators.act("sandbox", "any", "error_500", times=0)

    assert await status(hub, wire) == 404


async def test_a_fault_of_one_gateway_is_not_anothers(hub, wire):
    await hub.simulators.act("payos", "any", "error_500", times=5)

    assert await status(hub, wire) == 404


async def test_a_hanging_call_ends_when_the_stage_closes(hub, wire):
    await hub.simulators.act("sandbox", "any", "hang")
    call = asyncio.create_task(status(hub, wire))
    while hub.simulators.faults.left("sandbox", Fault.HANG):  # noqa: ASYNC110 - it is there soon
        await asyncio.sleep(0)

    hub.simulators.faults.close()

    assert await call == 504


# The payer's page


@dataclass(frozen=True)
class Page:
    """What a browser got."""

    status: int
    url: str
    headers: Mapping[str, str]
    text: str


class Browser:
    """A person's browser, without scripts."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def open(self, url: str) -> Page:
        """Look at a page."""
        return await self._ask("GET", url)

    async def press(self, url: str, act: str, *, follow: bool = False) -> Page:
        """Press a button."""
        return await self._ask("POST", url, data={"act": act}, allow_redirects=follow)

    async def _ask(self, method: str, url: str, **more: Any) -> Page:
        async with self._session.request(method, url, **more) as answer:
            return Page(answer.status, str(answer.url), answer.headers, await answer.text())


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """One browser, closed in the end."""
    async with aiohttp.ClientSession() as session:
        yield Browser(session)


async def test_a_person_pays_and_is_sent_back(hub, gateway, browser):
    order = hub.order(gateway, FIFTY)
    checkout = await gateway.open_checkout(order)

    page = await browser.open(checkout.checkout_url)
    paid = await browser.press(checkout.checkout_url, "pay")

    assert page.status == 200
    assert "50000 VND" in page.text
    assert "data:image/svg+xml" in page.text
    assert paid.status == 303
    assert paid.headers["Location"].startswith(order.return_url + "&")
    assert len(hub.heard) == 1


async def test_the_return_query_is_payoss_own(hub, gateway, browser):
    payos_gateway = hub.gateways["payos"]
    order = hub.order(payos_gateway, FIFTY)
    checkout = await payos_gateway.open_checkout(order)

    left = await browser.press(checkout.checkout_url, "cancel")

    assert left.headers["Location"] == (
        f"{CANCEL_URL}?code=00&id={checkout.provider_id}&cancel=true&status=CANCELLED"
        f"&orderCode={order.our_ref}"
    )


async def test_a_page_keeps_the_strict_policy_and_lets_the_way_back_through(hub, gateway, browser):
    checkout = await gateway.open_checkout(hub.order(gateway, FIFTY))

    page = await browser.open(checkout.checkout_url)
    style = await browser.open(f"{hub.url}/_sim/static/sim.css")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.endswith("form-action 'self' https://shop.example")
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert (style.status, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")


async def test_paying_less_stays_on_the_page(hub, gateway, browser):
    checkout = await gateway.open_checkout(hub.order(gateway, FIFTY))

    page = await browser.press(checkout.checkout_url, "underpay", follow=True)

    assert page.url == checkout.checkout_url
    assert "5000 VND" in page.text


async def test_what_cannot_be_done_is_said_on_the_page(hub, gateway, browser):
    checkout = await gateway.open_checkout(hub.order(gateway, FIFTY))
    await browser.press(checkout.checkout_url, "pay")

    again = await browser.press(checkout.checkout_url, "cancel", follow=True)
    strange = await browser.press(checkout.checkout_url, "forge_webhook", follow=True)

    assert (again.status, strange.status) == (409, 409)
    assert "cancel" in again.text
    assert len(hub.heard) == 1


async def test_only_the_gateways_own_name_opens_a_page(hub, gateway, browser):
    order = hub.order(gateway, FIFTY)
    checkout = await gateway.open_checkout(order)
    by_ref = checkout.checkout_url.replace(checkout.provider_id, order.our_ref)

    for url in (by_ref, by_ref + "0"):
        assert (await browser.open(url)).status == 404
        assert (await browser.press(url, "pay", follow=True)).status == 404


async def test_a_page_shows_text_as_text(hub, gateway, browser):
    payos_gateway = hub.gateways["payos"]
    order = replace(hub.order(payos_gateway, FIFTY), memo="<b>&\"'</b>")
    checkout = await payos_gateway.open_checkout(order)

    page = await browser.open(checkout.checkout_url)

    assert "<b>" not in page.text
    assert "&lt;b&gt;" in page.text


def test_banks_mangle_a_memo_in_every_known_way():
    forms = {mangled("HB7K2M9QX", Random(seed)) for seed in range(200)}

    assert any("hb7k2m9qx" in form for form in forms)
    assert any("HB7K-2M 9QX" in form for form in forms)
    assert all("HB7K2M9QX" in "".join(c for c in form.upper() if c.isalnum()) for form in forms)
