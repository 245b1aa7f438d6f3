"""Payments in the database: read back as written, moved by one, timed and taken by one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tallystick.domain.errors import ReferenceTaken
from tallystick.domain.payment import AmountState, AttemptState, Phase, Review
from tallystick.domain.schedule import Rank
from tallystick.store import payments, questions
from tests.store.rows import MINUTE, NOW, add, attempt, payment

FULL = payment(
    reference="A-1", owner_id="kh/1", return_url="https://shop.example/đ", late=True,
    review=Review.LATE, phase=Phase.PAID, amount_state=AmountState.OVER, amount=2**53 - 1,
    received=2**53 - 1, refunded=7, tolerance=3, retriable=True, test_mode=True, gateway=None,
    metadata={"b": [1, {"ă": None}], "a": "\u2028"}, closed_at=NOW, paid_at=NOW, as_of=NOW,
    source="fetch", next_check_at=None, version=41, cancel_url="https://shop.example/",
)  # fmt: skip


async def test_a_payment_is_read_back_to_the_microsecond_and_the_unit(database):
    await database.write(lambda tx: add(tx, FULL))

    assert await database.read(lambda tx: payments.find(tx, FULL.id)) == FULL
    assert await database.write(lambda tx: payments.lock(tx, FULL.id)) == FULL
    assert await database.read(lambda tx: payments.by_reference(tx, "A-1")) == FULL.id


async def test_a_payment_that_does_not_exist_is_none(database):
    assert await database.read(lambda tx: payments.find(tx, "pay_9")) is None
    assert await database.write(lambda tx: payments.lock(tx, "pay_9")) is None
    assert await database.read(lambda tx: payments.by_reference(tx, "A-1")) is None


async def test_two_clicks_with_the_same_reference_make_one_payment(database):
    clicks = [payment(f"pay_{number}", reference="A-1") for number in range(5)]

    told = await asyncio.gather(
        *(database.write(lambda tx, one=one: payments.add(tx, one)) for one in clicks),
        return_exceptions=True,
    )

    refused = [answer for answer in told if answer is not None]
    assert len(refused) == 4
    assert all(isinstance(answer, ReferenceTaken) for answer in refused)
    kept = await database.read(lambda tx: payments.by_reference(tx, "A-1"))
    assert f"belongs to payment {kept}" in str(refused[0])


async def test_a_reference_that_was_let_go_can_be_used_again(database):
    await database.write(lambda tx: add(tx, payment("pay_1", reference="A-1")))

    await database.write(lambda tx: payments.release_reference(tx, "pay_1"))
    await database.write(lambda tx: add(tx, payment("pay_2", reference="A-1")))

    assert await database.read(lambda tx: payments.by_reference(tx, "A-1")) == "pay_2"


PAID = replace(
    payment(), phase=Phase.PAID, amount_state=AmountState.EXACT, received=50_000, paid_at=NOW,
    closed_at=NOW, as_of=NOW, source="fetch", next_check_at=NOW + MINUTE, updated_at=NOW + MINUTE,
    late=True, review=Review.LATE, gateway="payos",
)  # fmt: skip


async def test_of_many_who_move_a_payment_at_once_one_wins(database):
    before = payment()
    await database.write(lambda tx: add(tx, before))

    won = await asyncio.gather(
        *(database.write(lambda tx: payments.move(tx, before, PAID)) for _ in range(8))
    )

    assert sorted(won) == [False] * 7 + [True]
    after = await database.read(lambda tx: payments.find(tx, before.id))
    assert after == replace(PAID, version=2)


async def test_a_move_leaves_what_the_payer_was_asked_for(database):
    before = payment(reference="A-1")
    await database.write(lambda tx: add(tx, before))

    changed = replace(PAID, amount=1, currency="USD", reference="B", refunded=9)
    await database.write(lambda tx: payments.move(tx, before, changed))

    after = await database.read(lambda tx: payments.find(tx, before.id))
    assert (after.amount, after.currency, after.reference) == (50_000, "VND", "A-1")
    assert after.refunded == 0


async def test_a_timer_is_no_change_that_anybody_sees(database):
    await database.write(lambda tx: add(tx, payment()))

    timed = payment(as_of=NOW, source="fetch", next_check_at=NOW + 9 * MINUTE, rank=Rank.WATCHED)
    await database.write(lambda tx: payments.set_timer(tx, timed))

    assert await database.read(lambda tx: payments.find(tx, "pay_1")) == timed


async def test_nothing_is_due_where_nothing_is(database):
    assert await database.read(payments.next_due) is None


async def test_offers_past_their_deadline_are_found(database):
    await database.write(
        lambda tx: add(
            tx,
            payment("pay_open", expires_at=NOW - MINUTE),
            payment("pay_draft", phase=Phase.DRAFT, expires_at=NOW),
            payment("pay_later", expires_at=NOW + MINUTE),
            payment("pay_flying", phase=Phase.PROCESSING, expires_at=NOW - MINUTE),
            replace(PAID, id="pay_paid", expires_at=NOW - MINUTE),
        )
    )

    assert await database.read(lambda tx: payments.overdue(tx, NOW, 10)) == [
        "pay_open",
        "pay_draft",
    ]
    assert await database.read(lambda tx: payments.overdue(tx, NOW, 1)) == ["pay_open"]


async def test_payments_that_hang_are_found(database):
    old, new = NOW - timedelta(hours=1), NOW
    await database.write(
        lambda tx: add(
            tx,
            payment("pay_flying", phase=Phase.PROCESSING, updated_at=old),
            payment("pay_flown", phase=Phase.PROCESSING, updated_at=new),
            payment("pay_unknown", updated_at=old),
            attempt("att_1", of="pay_unknown", state=AttemptState.UNKNOWN),
            payment("pay_asked", updated_at=old),
            attempt("att_2", of="pay_asked", state=AttemptState.AWAITING_PAYER),
        )
    )

    stuck = await database.read(lambda tx: payments.stuck(tx, NOW - MINUTE, 10))

    assert sorted(stuck) == ["pay_flying", "pay_unknown"]


async def test_after_a_downtime_everything_that_can_be_paid_is_asked_about_at_once(database):
    later = NOW + timedelta(days=1)
    await database.write(
        lambda tx: add(
            tx,
            payment("pay_open", next_check_at=later),
            payment("pay_flying", phase=Phase.PROCESSING, next_check_at=later),
            replace(PAID, id="pay_paid", next_check_at=later),
        )
    )

    await database.write(lambda tx: payments.ask_all_open(tx, NOW))

    due_now = await database.write(lambda tx: questions.take_due(tx, "till", NOW, later, 10))
    assert sorted(due_now) == ["pay_flying", "pay_open"]


async def test_a_list_goes_on_where_it_ended_also_among_payments_of_the_same_moment(database):
    many = [
        payment(f"pay_{number}", created_at=NOW + (number // 3) * MINUTE) for number in range(7)
    ]
    await database.write(lambda tx: add(tx, *many))

    def page(after):
        return database.read(
            lambda tx: payments.page(
                tx, filters={}, created_after=None, created_before=None, after=after, limit=2
            )
        )

    shown, after = [], None
    while True:
        ids = await page(after)
        shown += ids[:2]
        if len(ids) < 3:
            break
        last = next(one for one in many if one.id == ids[1])
        after = (last.created_at, last.id)

    assert shown == [f"pay_{number}" for number in (6, 5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({}, ["pay_3", "pay_2", "pay_1"]),
        ({"owner_id": "kh/1"}, ["pay_2", "pay_1"]),
        ({"owner_id": "kh/1", "phase": "paid"}, ["pay_2"]),
        ({"reference": "A-1"}, ["pay_1"]),
        ({"gateway": "nobody"}, []),
    ],
)
async def test_a_list_is_filtered(database, filters, shown):
    await database.write(
        lambda tx: add(
            tx,
            payment("pay_1", owner_id="kh/1", reference="A-1"),
            replace(PAID, id="pay_2", owner_id="kh/1", created_at=NOW + MINUTE),
            payment("pay_3", owner_id="kh/2", created_at=NOW + 2 * MINUTE),
        )
    )

    ids = await database.read(
        lambda tx: payments.page(
            tx, filters=filters, created_after=None, created_before=None, after=None, limit=10
        )
    )

    assert ids == shown


async def test_a_list_is_bounded_in_time(database):
    many = [payment(f"pay_{number}", created_at=NOW + number * MINUTE) for number in range(4)]
    await database.write(lambda tx: add(tx, *many))

    ids = await database.read(
        lambda tx: payments.page(
            tx, filters={}, created_after=NOW, created_before=NOW + 3 * MINUTE, after=None, limit=9
        )
    )

    assert ids == ["pay_2", "pay_1"]


async def test_a_walk_through_all_payments_meets_each_once(database):
    many = [payment(f"pay_{number}") for number in range(5)]
    await database.write(lambda tx: add(tx, *many))

    def walk(tx):
        met, last = [], ""
        while page := payments.following(tx, last, 2):
            met += page
            last = page[-1].id
        return met

    assert await database.read(walk) == many
