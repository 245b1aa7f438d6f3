"""Named jobs: one holder at a time, replaced when it dies, with a history."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from tallystick.store import pruning, schedules
from tallystick.store.schedules import Run
from tests.store.rows import MINUTE, NOW, run

UNTIL = NOW + timedelta(seconds=45)


def ensure(database, name="audit", at=NOW):
    """Make the row."""
    return database.write(lambda tx: schedules.ensure(tx, name, at))


def hold(database, holder, real_now=NOW, until=UNTIL):
    """Try to take the lease of `audit`."""
    return database.write(lambda tx: schedules.hold(tx, "audit", holder, real_now, until))


async def test_of_many_who_want_to_run_a_job_one_does(database):
    await ensure(database)

    told = await asyncio.gather(*(hold(database, f"run_{number}") for number in range(8)))

    assert sorted(told) == [False] * 7 + [True]


async def test_a_lease_is_replaced_after_it_ran_out_and_not_before(database):
    await ensure(database)
    assert await hold(database, "run_1")

    assert not await hold(database, "run_2", UNTIL - timedelta(microseconds=1))
    assert await hold(database, "run_2", UNTIL, UNTIL + MINUTE)
    assert not await hold(database, "run_1", UNTIL, UNTIL + MINUTE)


async def test_a_holder_that_lives_renews_its_lease(database):
    await ensure(database)
    await hold(database, "run_1")

    assert await hold(database, "run_1", NOW + timedelta(seconds=15), UNTIL + MINUTE)
    assert not await hold(database, "run_2", UNTIL)


async def test_a_job_without_a_row_is_held_by_nobody(database):
    assert not await hold(database, "run_1")


async def test_a_finished_run_frees_the_job_and_sets_the_next_one(database):
    await ensure(database)
    await hold(database, "run_1")

    await database.write(
        lambda tx: schedules.release(tx, "audit", "run_1", NOW, NOW + timedelta(days=1))
    )

    assert await database.read(lambda tx: schedules.due(tx, NOW)) == []
    assert await database.read(schedules.next_due) == NOW + timedelta(days=1)
    assert await hold(database, "run_2")


async def test_a_run_that_lost_its_lease_does_not_free_its_successors(database):
    await ensure(database)
    await hold(database, "run_1")
    await hold(database, "run_2", UNTIL, UNTIL + MINUTE)

    await database.write(lambda tx: schedules.release(tx, "audit", "run_1", UNTIL, UNTIL + MINUTE))

    assert not await hold(database, "run_3", UNTIL)
    assert await database.read(lambda tx: schedules.due(tx, UNTIL)) == ["audit"]


async def test_planning_again_leaves_the_plan(database):
    await ensure(database, at=NOW)
    await ensure(database, at=NOW + timedelta(days=9))

    assert await database.read(schedules.next_due) == NOW


async def test_only_what_is_due_is_due(database):
    await ensure(database, "now", NOW)
    await ensure(database, "later", NOW + timedelta(microseconds=1))

    assert await database.read(lambda tx: schedules.due(tx, NOW)) == ["now"]


async def test_without_jobs_nothing_is_due(database):
    assert await database.read(schedules.next_due) is None
    assert await database.read(lambda tx: schedules.due(tx, NOW)) == []


async def test_a_restart_frees_what_a_dead_process_held(database):
    await ensure(database)
    await hold(database, "run_1")

    await database.write(schedules.let_go)

    assert await hold(database, "run_2")


DONE = Run(NOW, NOW + MINUTE, 60_000_000, True, {"asked": 3}, None)


async def test_the_history_is_told_newest_first_and_counted(database):
    failed = replace(
        DONE, started_at=NOW + MINUTE, success=False, result={}, error="LookupError: no",
        duration_us=20_000_000,
    )  # fmt: skip

    def body(tx):
        schedules.record(tx, "audit", DONE)
        schedules.record(tx, "audit", failed)
        schedules.record(tx, "tidy", DONE)

    await database.write(body)

    assert await database.read(lambda tx: schedules.recent(tx, "audit", 9)) == [failed, DONE]
    assert await database.read(lambda tx: schedules.recent(tx, "audit", 1)) == [failed]
    stats = await database.read(lambda tx: schedules.stats(tx, "audit"))
    assert stats == schedules.Stats(total=2, succeeded=1, average_us=40_000_000.0)


async def test_a_job_that_never_ran_has_an_empty_history(database):
    stats = await database.read(lambda tx: schedules.stats(tx, "audit"))

    assert stats == schedules.Stats(total=0, succeeded=0, average_us=0.0)
    assert await database.read(lambda tx: schedules.recent(tx, "audit", 9)) == []


async def test_old_history_is_forgotten(database):
    old = replace(DONE, started_at=NOW - timedelta(days=31))
    await database.write(lambda tx: schedules.record(tx, "audit", old))
    await database.write(lambda tx: schedules.record(tx, "audit", DONE))

    gone = await database.write(lambda tx: pruning.drop_aged(tx, "runs", NOW - timedelta(days=30)))

    assert gone == 1
    assert await database.read(lambda tx: run(tx, "SELECT COUNT(*) FROM job_runs")) == 1
