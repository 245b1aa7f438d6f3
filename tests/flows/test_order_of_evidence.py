"""What we have acted on is never undone by a word that comes late, or by a clock set back."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, update

from tallystick.domain.credit import Credit
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.payment import Phase, Review
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.audit import audit
from tallystick.flows.cancel import cancel
from tallystick.flows.effects import do_effects
from tallystick.flows.poll import read
from tallystick.flows.record import Answers, Heard, record
from tallystick.products import CHECKS
from tallystick.store import evidence
from tallystick.store.database import Database
from tallystick.store.schema.core import inbox
from tests.store.house import OPEN, House
from tests.store.rows import NOW, run


async def tell(house: House, payment_id: str, claim: Claim, *credits_: Credit, ago: float = 0.0):
    """Another process records an answer that it has held in its hand for so many seconds."""
    heard = Evidence(
        Source.FETCH, Trust.FETCHED, claim, house.clock.at - timedelta(seconds=ago),
        attempt_id=await first_attempt(house, payment_id), credits=credits_, counts=True,
    )  # fmt: skip

    def body(tx: Connection) -> Snapshot:
        return record(tx, house.hub, payment_id, [Heard(heard)], Answers()).snapshot

    return await house.database.write(body)


async def first_attempt(house: House, payment_id: str) -> str:
    """The id of the payment's first attempt."""
    return await house.database.read(
        lambda tx: run(tx, "SELECT MIN(id) FROM attempts WHERE payment_id = :id", id=payment_id)
    )


async def move(database: Database, event: str, *, hours: int) -> None:
    """Let a notice be due earlier or later than it is."""
    due = update(inbox).where(inbox.c.event_id == event)
    await database.write(
        lambda tx: tx.execute(due.values(due_at=NOW + timedelta(hours=hours, seconds=5)))
    )


async def test_a_slow_answer_from_before_does_not_take_a_paid_payment_back(house):
    payment_id, ref = await house.open()
    house.pass_time(seconds=30)
    house.pays(ref)
    await house.settle(payment_id)

    after = await tell(house, payment_id, Claim.CANCELED, ago=20)

    assert after.phase is Phase.PAID
    assert await audit(house.database, CHECKS) == []


async def test_a_payment_that_the_merchant_canceled_does_not_become_paid_by_a_slow_answer(house):
    payment_id, ref = await house.open()
    house.pass_time(seconds=30)
    money = house.pays(ref)
    house.till.books[ref] = OPEN  # The money is on its way to the books.
    await cancel(house.hub, payment_id)

    after = await tell(house, payment_id, Claim.SUCCEEDED, money, ago=20)

    assert (after.phase, after.review) == (Phase.CANCELED, Review.LATE_AFTER_CANCEL)
    assert await audit(house.database, CHECKS) == []


async def test_a_payer_who_pays_after_the_clock_was_set_back_has_paid(house):
    payment_id, ref = await house.open()
    house.pass_time(hours=-1)
    house.pays(ref)

    after = await house.settle(payment_id)

    assert after.phase is Phase.PAID
    assert await audit(house.database, CHECKS) == []


async def test_a_notice_that_is_taken_up_again_is_written_down_once(house):
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.notice(ref, money=True)
    house.pass_time(seconds=1)
    house.till.away = True
    await cancel(house.hub, payment_id)
    for _ in range(3):
        house.pass_time(minutes=1)
        await house.handle()

    heard = await house.database.read(lambda tx: evidence.of_payment(tx, payment_id))

    assert [item.source for item in heard].count(Source.WEBHOOK) == 1


async def test_money_in_a_notice_that_was_stuck_until_after_a_cancellation_goes_to_a_person(
    database,
):
    house = House(database, verifies=Trust.SIGNED)
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.notice(ref, Claim.SUCCEEDED, money=True)
    house.pass_time(seconds=5)
    await house.notice(ref, Claim.CANCELED)
    await move(database, "e0", hours=1)
    assert await house.handle() == 1
    await move(database, "e0", hours=-1)
    assert await house.handle() == 1

    after = await house.settle(payment_id)

    assert (after.phase, after.review) == (Phase.CANCELED, Review.LATE_AFTER_CANCEL)
    assert await audit(database, CHECKS) == []


async def test_two_notices_in_one_breath_are_taken_in_the_order_they_came(database):
    house = House(database, verifies=Trust.SIGNED)
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.notice(ref, Claim.SUCCEEDED, money=True)
    house.pass_time(seconds=5)
    await house.notice(ref, Claim.CANCELED)
    await move(database, "e1", hours=-1)

    assert await house.handle() == 2

    after = await house.settle(payment_id)
    assert after.phase is Phase.PAID
    assert await audit(database, CHECKS) == []


async def test_a_payer_who_was_quicker_than_the_cancellation_is_no_alarm_but_a_review(house):
    payment_id, ref = await house.open()
    await cancel(house.hub, payment_id)
    house.pays(ref)
    house.till.refuses_cancel = True

    await do_effects(house.hub)

    after = await read(house.hub, payment_id)
    assert (after.phase, after.review) == (Phase.CANCELED, Review.LATE_AFTER_CANCEL)
    assert await audit(house.database, CHECKS) == []
    assert await house.database.read(lambda tx: run(tx, "SELECT state FROM jobs")) == "done"


async def test_a_payer_who_pays_too_little_after_processing_is_asked_for_the_rest(house):
    payment_id, ref = await house.open()
    house.says(ref, Claim.PROCESSING)
    assert (await house.settle(payment_id)).phase is Phase.PROCESSING

    house.pays(ref, 20_000)
    house.says(ref, Claim.PENDING)
    after = await house.settle(payment_id)

    assert (after.phase, after.received_minor) == (Phase.OPEN, 20_000)
    house.pass_time(days=2)
    over = await house.settle(payment_id)
    assert (over.phase, over.review) == (Phase.EXPIRED, Review.UNDERPAID)
    assert await audit(house.database, CHECKS) == []
