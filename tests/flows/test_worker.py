"""The worker beside a gateway that does not answer: nobody else waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from tallystick.domain.errors import GatewayUnreachable
from tallystick.domain.money import Money
from tallystick.domain.payment import Phase
from tallystick.flows import rescue
from tallystick.flows.checkout import Wish, create_payment
from tallystick.flows.expire import expire_overdue
from tallystick.flows.schedule import SCHEDULE, plan
from tallystick.gateways.base import AttemptRef, Verdict
from tallystick.store import payments, schedules
from tallystick.worker import Worker
from tests.store.house import House, Till

# These ask every gateway themselves, so their own runs last as long as the silence.
ASKING = {"expired-links", "stuck-payments", "poll-gateways", "reconcile"}
PATIENCE_S = 100


@dataclass
class SilentTill(Till):
    """A till that says nothing: a question hangs until it `speaks`, or is cut off."""

    speaks: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    cut_off_s: float | None = None
    hanging: int = 0
    most: int = 0
    questions: int = 0

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        self.questions += 1
        self.begun.set()
        self.hanging += 1
        self.most = max(self.most, self.hanging)
        try:
            await asyncio.wait_for(self.speaks.wait(), self.cut_off_s)
        except TimeoutError:
            raise GatewayUnreachable("The till does not answer.") from None
        finally:
            self.hanging -= 1
        return await super().fetch_verdict(attempt)


@pytest.fixture
async def worker(house: House) -> AsyncIterator[Worker]:
    """A worker that a test may start; it is stopped at the end."""
    made = Worker(house.hub)
    yield made
    await made.stop()


def put(house: House, name: str, till: Till) -> None:
    """Set a gateway up in the hub."""
    house.hub.gateways = {**house.hub.gateways, name: till}


def silence(house: House, cut_off_s: float | None = None) -> SilentTill:
    """From now on the till says nothing."""
    can = house.till.capabilities
    till = SilentTill(books=house.till.books, capabilities=can, cut_off_s=cut_off_s)
    put(house, "till", till)
    return till


async def eventually(so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not await so():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.05)


async def phases(house: House, ids: list[str]) -> set[Phase]:
    """Where these payments stand."""
    rows = await house.database.read(lambda tx: payments.following(tx, "", 1000))
    return {row.phase for row in rows if row.id in set(ids)}


async def test_a_gateway_that_never_answers_holds_up_no_job_and_no_other_gateway(house, worker):
    overdue = [(await house.open())[0] for _ in range(60)]
    put(house, "bank", Till(name="bank", capabilities=house.till.capabilities))
    wish = Wish(Money(50_000, "VND"), ("bank",))
    made = await create_payment(house.hub, wish)
    await plan(house.hub)
    till = silence(house)
    house.pass_time(hours=25)
    began = house.clock.at

    await worker.start()

    async def all_others_ran() -> bool:
        planned = await house.database.read(schedules.planned)
        return all(planned[name] > began for name in SCHEDULE.keys() - ASKING)

    async def the_bank_was_asked() -> bool:
        return await phases(house, [made.snapshot.id]) == {Phase.EXPIRED}

    async def all_are_over() -> bool:
        return await phases(house, overdue) == {Phase.EXPIRED}

    await eventually(all_others_ran)
    await eventually(the_bank_was_asked)
    assert till.hanging
    assert await phases(house, overdue) == {Phase.OPEN}
    till.speaks.set()
    house.pass_time(minutes=1)
    await eventually(all_are_over)


async def test_a_silent_gateway_is_asked_one_question_at_a_time_until_it_is_back(house):
    for _ in range(20):
        await house.open()
    till = silence(house, cut_off_s=0.01)
    house.pass_time(seconds=5)
    await rescue.ask_due(house.hub, "till")
    till.most = 0

    for _ in range(3):
        house.pass_time(minutes=1)
        assert await rescue.ask_due(house.hub, "till") == 1
    assert till.most == 1
    till.speaks.set()
    await rescue.ask_due(house.hub, "till")
    house.pass_time(minutes=1)

    assert await rescue.ask_due(house.hub, "till") > 1


async def test_a_sweep_leaves_the_payments_of_a_silent_gateway_to_their_timers(house):
    overdue = [(await house.open())[0] for _ in range(30)]
    till = silence(house, cut_off_s=0.01)
    house.pass_time(hours=25)

    counted = await expire_overdue(house.hub)

    assert counted == {"looked_at": 30, "expired": 0, "paid": 0, "left": 30}
    assert till.questions < 30
    assert await phases(house, overdue) == {Phase.OPEN}


async def test_while_one_question_finds_out_the_others_do_not_wait_for_a_silent_gateway(house):
    first, second = (await house.open())[0], (await house.open())[0]
    till = silence(house, cut_off_s=0.01)
    for _ in range(3):
        await house.settle(first)
    till.cut_off_s = None
    till.begun.clear()
    probe = asyncio.create_task(house.settle(first))
    await till.begun.wait()

    snapshot = await house.settle(second)

    assert snapshot.phase is Phase.OPEN
    assert till.questions == 4
    till.speaks.set()
    await probe


async def test_a_paid_payment_is_asked_about_no_more(house):
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.settle(payment_id)

    house.pass_time(days=3)

    assert await house.database.read(payments.next_due) is None
    assert await rescue.ask_due(house.hub, "till") == 0


async def test_a_knock_that_the_gateway_could_not_answer_comes_first_in_its_line(house):
    knocked, ref = await house.open()
    for _ in range(3):
        await house.open()
    house.pays(ref)
    house.till.away = True
    await house.notice(ref, money=True)
    await house.handle()
    house.till.away = False
    house.till.capabilities = replace(house.till.capabilities, calls_per_s=0.5)
    house.pass_time(seconds=6)

    assert await rescue.ask_due(house.hub, "till") == 1

    assert await phases(house, [knocked]) == {Phase.PAID}
