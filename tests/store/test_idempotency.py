"""Idempotency keys: claimed by one, answered once, taken over from the dead, forgotten in time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tallystick.store import idempotency, pruning
from tests.store.rows import NOW

HELD_UNTIL = NOW + timedelta(seconds=60)
AGAIN = HELD_UNTIL + timedelta(seconds=60)


def claim(database, key="k", scope="key_1 POST /api/payments", payment_id="pay_1", now=NOW):
    """Claim a key."""
    return database.write(
        lambda tx: idempotency.claim(
            tx, scope, key, fingerprint="f", payment_id=payment_id, held_until=HELD_UNTIL, now=now
        )
    )


def find(database, key="k", scope="key_1 POST /api/payments"):
    """What is known of it."""
    return database.read(lambda tx: idempotency.find(tx, scope, key))


def take_over(database, real_now):
    """Go on with a request whose worker died."""
    return database.write(
        lambda tx: idempotency.take_over(tx, "key_1 POST /api/payments", "k", real_now, AGAIN)
    )


async def test_of_many_with_the_same_key_at_once_one_does_the_work(database):
    told = await asyncio.gather(*(claim(database) for _ in range(8)))

    assert sorted(told) == [False] * 7 + [True]


async def test_the_same_key_of_another_caller_or_route_is_another_key(database):
    assert await claim(database)
    assert await claim(database, scope="key_2 POST /api/payments")
    assert await claim(database, key="K")


async def test_a_new_key_is_unknown_and_a_claimed_one_says_whose_it_is(database):
    assert await find(database) is None

    await claim(database)

    known = await find(database)
    assert known == idempotency.Claimed("f", None, None, "pay_1", HELD_UNTIL)


async def test_the_answer_is_kept_byte_by_byte_and_ends_the_hold(database):
    await claim(database)

    await database.write(
        lambda tx: idempotency.answer(tx, "key_1 POST /api/payments", "k", 201, b"\x00\xff")
    )

    known = await find(database)
    assert known == idempotency.Claimed("f", 201, b"\x00\xff", "pay_1", None)
    assert not await take_over(database, AGAIN + timedelta(days=1))


async def test_a_request_is_taken_over_only_when_its_worker_has_been_silent_for_long(database):
    await claim(database)

    assert not await take_over(database, HELD_UNTIL - timedelta(microseconds=1))
    assert await take_over(database, HELD_UNTIL)
    assert not await take_over(database, HELD_UNTIL)


async def test_of_many_who_take_over_at_once_one_does(database):
    await claim(database)

    told = await asyncio.gather(*(take_over(database, HELD_UNTIL) for _ in range(8)))

    assert sorted(told) == [False] * 7 + [True]


async def test_a_claim_that_failed_leaves_the_key_free(database):
    def body(tx):
        idempotency.claim(
            tx, "key_1 POST /api/payments", "k", fingerprint="f", payment_id=None,
            held_until=HELD_UNTIL, now=NOW,
        )  # fmt: skip
        raise LookupError("the payment could not be made")

    await asyncio.gather(database.write(body), return_exceptions=True)

    assert await claim(database)


async def test_old_keys_are_forgotten_and_young_ones_are_not(database):
    await claim(database, key="old", now=NOW - timedelta(days=8))
    await claim(database, key="young", now=NOW - timedelta(days=7))

    week_ago = NOW - timedelta(days=7)
    gone = await database.write(lambda tx: pruning.drop_aged(tx, "idempotency_keys", week_ago))

    assert gone == 1
    assert await find(database, "old") is None
    assert await find(database, "young") is not None
