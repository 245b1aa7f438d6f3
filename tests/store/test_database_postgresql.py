"""PostgreSQL: away, full, restarted, and races that are run again."""

from __future__ import annotations

import asyncio

import pytest

from tallystick.domain.errors import DatabaseUnavailable, RaceLost
from tallystick.store.database import open_database
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

    async with asyncio.timeout(30):
        told = await asyncio.gather(
            database.write(touch("a", "b")), database.write(touch("b", "a"))
        )

    assert sorted(told) == ["ab", "ba"]
