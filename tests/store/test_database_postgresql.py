"""PostgreSQL: away, full, restarted, and races that are run again."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from tallystick.domain.errors import DatabaseUnavailable, RaceLost, Unavailable
from tallystick.store import lanes
from tallystick.store.connect import open_database
from tests.infra.postgres import execute
from tests.store.rows import run
from tests.store.writing import each, kept, key


@pytest.mark.postgresql_only
@pytest.mark.parametrize("state", ["53100", "53300", "57P01"])
async def test_a_server_without_room_is_a_database_that_is_away(database, state):
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"

    with pytest.raises(DatabaseUnavailable):
        await database.write(lambda tx: run(tx, raising))


@pytest.mark.postgresql_only
async def test_a_standby_server_is_a_database_that_is_away(database, database_url):
    name = database_url.rpartition("/")[2]
    await execute(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    with pytest.raises(DatabaseUnavailable) as told:
        await database.write(lambda tx: key(tx, "no"))

    assert told.value.retryable


@pytest.mark.postgresql_only
async def test_a_server_that_does_not_listen_is_a_database_that_is_away():
    away = open_database("postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(DatabaseUnavailable):
        await away.read(lambda tx: run(tx, "SELECT 1"))
    await away.close()


@pytest.mark.postgresql_only
async def test_a_restarted_server_is_found_again_without_an_error(database, database_url):
    await asyncio.gather(*(database.write(lambda tx: key(tx, "warm")) for _ in range(5)))

    await execute(
        database_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )

    assert await database.write(lambda tx: key(tx, "back")) == "back"
    assert await kept(database) == {"warm", "back"}


@pytest.mark.postgresql_only
async def test_a_lost_race_is_run_again(database):
    tries: list[str] = []

    def body(tx):
        tries.append(key(tx, f"try{len(tries)}"))
        if len(tries) < 3:
            raise RaceLost("Somebody was quicker.")
        return len(tries)

    assert await database.write(body) == 3
    assert await kept(database) == {"try2"}


@pytest.mark.postgresql_only
async def test_a_race_that_is_always_lost_is_given_up(database):
    def body(_tx):
        raise RaceLost("Somebody was quicker.")

    with pytest.raises(RaceLost) as told:
        await database.write(body)

    assert told.value.retryable


@pytest.mark.postgresql_only
async def test_two_writers_who_wait_for_each_other_both_come_through(database):
    await database.write(lambda tx: each(tx, ["a", "b"]))

    def touch(*names):
        def body(tx):
            for name in names:
                run(tx, "UPDATE idempotency SET fingerprint = 'x' WHERE key = :name", name=name)
                run(tx, "SELECT pg_sleep(0.05)")
            return "".join(names)

        return body

    async with asyncio.timeout(100):
        told = await asyncio.gather(
            database.write(touch("a", "b")), database.write(touch("b", "a"))
        )

    assert sorted(told) == ["ab", "ba"]


STUCK = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def until_stuck(keeper: Any, many: int) -> None:
    """Wait until so many sessions wait for the keeper's lock."""
    for _ in range(6000):
        if await keeper.fetchval(STUCK) == many:
            return
        await asyncio.sleep(0.01)
    pytest.fail("They never got as far as the lock.")


@pytest.mark.postgresql_only
async def test_newcomers_are_sent_away_at_once_and_our_own_work_goes_on(
    database, database_url, monkeypatch
):
    keeper = await asyncpg.connect(database_url)
    await keeper.execute("SELECT pg_advisory_lock(28)")
    stuck = "SELECT pg_advisory_xact_lock_shared(28)"
    inside = [asyncio.create_task(database.write(lambda tx: run(tx, stuck))) for _ in range(10)]
    await until_stuck(keeper, len(inside))
    waiting = asyncio.create_task(database.write(lambda tx: key(tx, "waited")))
    await asyncio.sleep(0)
    monkeypatch.setattr(lanes, "LONGEST_QUEUE_S", -1.0)

    with pytest.raises(Unavailable) as told:
        await asyncio.create_task(database.write(lambda tx: key(tx, "too late")))
    worked = database.write(lambda tx: key(tx, "worked"))
    await asyncio.create_task(worked, context=lanes.for_work())

    assert told.value.retry_after_s
    await keeper.execute("SELECT pg_advisory_unlock(28)")
    await asyncio.gather(waiting, *inside)
    assert await kept(database) == {"waited", "worked"}
    await keeper.close()


@pytest.mark.postgresql_only
async def test_a_request_under_way_waits_where_a_newcomer_is_sent_away(
    database, database_url, monkeypatch
):
    monkeypatch.setattr(lanes, "LONGEST_QUEUE_S", -1.0)
    monkeypatch.setattr(lanes, "PATIENCE_S", 0.0)
    keeper = await asyncpg.connect(database_url)
    await keeper.execute("SELECT pg_advisory_lock(29)")
    begun = asyncio.Event()
    stuck = "SELECT pg_advisory_xact_lock_shared(29)"

    async def request() -> str:
        await database.write(lambda tx: key(tx, "first"))
        begun.set()
        await full.wait()
        return str(await database.write(lambda tx: key(tx, "second")))

    full = asyncio.Event()
    under_way = asyncio.create_task(request())
    await begun.wait()
    inside = [asyncio.create_task(database.write(lambda tx: run(tx, stuck))) for _ in range(10)]
    await until_stuck(keeper, len(inside))
    full.set()
    with pytest.raises(Unavailable):
        await asyncio.create_task(database.write(lambda tx: key(tx, "newcomer")))
    await keeper.execute("SELECT pg_advisory_unlock(29)")

    assert await under_way == "second"
    await asyncio.gather(*inside)
    await keeper.close()
