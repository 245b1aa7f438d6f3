"""Outside effects as rows: asked for once, done by one, tried again, never lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tallystick.store import effects
from tests.store.rows import MINUTE, NOW, run

UNTIL = NOW + timedelta(seconds=30)


def ask(database, *keys, at=NOW):
    """Ask for effects."""

    def body(tx):
        for key in keys:
            effects.add(tx, "mail", key, {"to": "ông Bảy"}, at)

    return database.write(body)


def take(database, now=NOW, until=UNTIL, limit=10):
    """Take what is due."""
    return database.write(lambda tx: effects.take_due(tx, now, until, limit))


async def test_an_effect_is_due_at_once_with_all_that_it_needs(database):
    await ask(database, "a")

    (job,) = await take(database)

    assert (job.kind, job.payload, job.tries, job.created_at) == ("mail", {"to": "ông Bảy"}, 0, NOW)


async def test_the_same_effect_asked_for_twice_is_one(database):
    await ask(database, "a", "a")
    await ask(database, "a", "b")

    assert len(await take(database)) == 2


async def test_an_effect_is_taken_once_and_comes_back_when_its_worker_died(database):
    await ask(database, "a")

    assert len(await take(database)) == 1
    assert await take(database, UNTIL - timedelta(seconds=1)) == []
    (again,) = await take(database, UNTIL)

    assert again.tries == 1


async def test_two_workers_at_once_share_the_effects(database):
    await ask(database, *map(str, range(10)))

    def body(tx):
        taken = effects.take_due(tx, NOW, UNTIL, 5)
        if database.dialect == "postgresql":
            run(tx, "SELECT pg_sleep(0.3)")
        return {job.id for job in taken}

    mine, yours = await asyncio.gather(database.write(body), database.write(body))

    assert len(mine | yours) == 10


async def test_what_is_done_is_not_done_again(database):
    await ask(database, "a")
    (job,) = await take(database)

    await database.write(lambda tx: effects.done(tx, job.id, NOW))
    await ask(database, "a")

    assert await take(database, NOW + timedelta(days=99)) == []
    assert await database.read(effects.next_due) is None


async def test_what_failed_is_tried_again_later(database):
    await ask(database, "a")
    (job,) = await take(database)

    await database.write(lambda tx: effects.later(tx, job.id, NOW + MINUTE, "away"))

    assert await take(database) == []
    assert await database.read(effects.next_due) == NOW + MINUTE
    (again,) = await take(database, NOW + MINUTE)
    assert again.id == job.id


async def test_what_failed_for_good_is_left_to_a_person(database):
    await ask(database, "a")
    (job,) = await take(database)

    await database.write(lambda tx: effects.later(tx, job.id, None, "three days"))

    assert await take(database, NOW + timedelta(days=99)) == []
    told = await database.read(lambda tx: run(tx, "SELECT state || ': ' || error FROM jobs"))
    assert told == "dead: three days"


async def test_a_mail_that_another_worker_sent_meanwhile_is_not_sent_again(database):
    await ask(database, "a")
    (slow,) = await take(database)
    (quick,) = await take(database, UNTIL)
    await database.write(lambda tx: effects.done(tx, quick.id, UNTIL))

    await database.write(lambda tx: effects.later(tx, slow.id, UNTIL, "timed out at last"))
    await database.write(lambda tx: effects.later(tx, slow.id, None, "given up"))

    assert await take(database, UNTIL + MINUTE) == []
    assert await database.read(lambda tx: run(tx, "SELECT state FROM jobs")) == "done"


async def test_the_oldest_effect_is_done_first(database):
    await ask(database, "new", at=NOW)
    await ask(database, "old", at=NOW - MINUTE)

    (first,) = await take(database, limit=1)

    assert first.created_at == NOW - MINUTE


async def test_a_restart_lets_go_of_what_a_dead_process_held(database):
    await ask(database, "a")
    await take(database)

    await database.write(lambda tx: effects.let_go(tx, NOW))

    assert len(await take(database)) == 1


async def test_an_effect_exists_only_where_its_cause_was_written(database):
    def body(tx):
        effects.add(tx, "mail", "a", {}, NOW)
        raise LookupError("the cause failed")

    await asyncio.gather(database.write(body), return_exceptions=True)

    assert await take(database) == []
