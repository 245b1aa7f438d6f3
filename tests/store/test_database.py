"""What every flow relies on: all or nothing, one for each, durable, and never a false yes."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from sqlalchemy.exc import DBAPIError

from tallystick.domain.errors import DatabaseUnavailable, NotConfigured, Unavailable
from tallystick.store import inbox
from tallystick.store.connect import open_database
from tallystick.store.postgresql import LARGEST_QUEUE
from tests.infra.patience import patiently
from tests.store.rows import run
from tests.store.writing import each, kept, key, notice


async def test_the_same_notice_ten_times_at_once_is_kept_once(database):
    rows = [notice("same", f"ntc_{number}") for number in range(10)]

    await asyncio.gather(*(database.write_each(inbox.keep_each, row) for row in rows))

    assert await database.read(inbox.waiting) == 1


async def test_of_a_batch_with_a_bad_one_only_the_bad_one_fails(database):
    names = ["a", "b", "bad", "c"]

    told = await asyncio.gather(
        *(database.write_each(each, name) for name in names), return_exceptions=True
    )

    assert [told[0], told[1], told[3]] == ["a", "b", "c"]
    assert isinstance(told[2], DBAPIError)
    assert await kept(database) == {"a", "b", "c"}


async def test_everything_that_came_meanwhile_goes_with_the_next_commit(database):
    sizes = []

    def apply(tx, names):
        sizes.append(len(names))
        return each(tx, names)

    await asyncio.gather(*(database.write_each(apply, str(number)) for number in range(50)))

    assert sum(sizes) == 50
    assert len(sizes) < 10


async def test_two_hundred_writers_at_once_get_each_their_own_answer(database):
    names = [f"k{number}" for number in range(200)]

    grouped = await asyncio.gather(*(database.write_each(each, name) for name in names))
    alone = await asyncio.gather(
        *(patiently(database.write, lambda tx, name=name: key(tx, name + "!")) for name in names)
    )

    assert grouped == names
    assert alone == [name + "!" for name in names]
    assert len(await kept(database)) == 400


async def test_a_body_that_fails_takes_back_its_own_work_and_nobody_elses(database):
    def half(tx):
        key(tx, "half")
        raise LookupError("in the middle")

    told = await asyncio.gather(
        database.write(lambda tx: key(tx, "before")),
        database.write(half),
        database.write(lambda tx: key(tx, "after")),
        return_exceptions=True,
    )

    assert [told[0], told[2]] == ["before", "after"]
    assert isinstance(told[1], LookupError)
    assert await kept(database) == {"before", "after"}


async def test_a_body_that_could_wait_for_a_gateway_is_refused(database):
    async def body(tx):
        key(tx, "never")

    with pytest.raises(TypeError, match="plain function"):
        await database.write(body)
    with pytest.raises(TypeError, match="plain function"):
        await database.read(body)
    assert await kept(database) == set()


async def test_a_reader_sees_one_picture_while_others_write(database):
    began, written = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def look_twice(tx):
        first = run(tx, "SELECT COUNT(*) FROM idempotency")
        loop.call_soon_threadsafe(began.set)
        for _ in range(500):
            if written.is_set():
                break
            run(tx, "SELECT pg_sleep(0.01)") if database.dialect == "postgresql" else time.sleep(
                0.01
            )
        return written.is_set(), first, run(tx, "SELECT COUNT(*) FROM idempotency")

    looking = asyncio.create_task(database.read(look_twice))
    await began.wait()
    await database.write(lambda tx: key(tx, "new"))
    written.set()

    assert await looking == (True, 0, 0)
    assert await kept(database) == {"new"}


async def test_a_reader_cannot_write(database):
    with pytest.raises(DatabaseUnavailable):
        await database.read(lambda tx: key(tx, "sly"))

    assert await kept(database) == set()


async def test_whoever_goes_away_does_not_disturb_those_who_stay(database):
    staying = [asyncio.create_task(database.write_each(each, f"k{n}")) for n in range(5)]
    going = asyncio.create_task(database.write_each(each, "gone"))
    await asyncio.sleep(0)

    going.cancel()

    assert await asyncio.gather(*staying) == [f"k{n}" for n in range(5)]


async def test_closing_finishes_what_was_begun(database, database_url):
    tasks = [asyncio.create_task(database.write_each(each, f"k{n}")) for n in range(100)]
    await asyncio.sleep(0)

    await database.close()

    assert await asyncio.gather(*tasks) == [f"k{n}" for n in range(100)]
    again = open_database(database_url)
    assert len(await kept(again)) == 100
    await again.close()


async def test_too_many_waiting_writers_are_told_to_come_again(database):
    go_on = threading.Event()
    # PostgreSQL's writers are busy with the first of them; SQLite's could be too quick for us.
    busy = asyncio.create_task(
        database.write(lambda _: database.dialect == "postgresql" or go_on.wait(60))
    )
    await asyncio.sleep(0.05)

    told = asyncio.gather(
        *(database.write_each(lambda_free, n) for n in range(LARGEST_QUEUE + 200)),
        return_exceptions=True,
    )
    await asyncio.sleep(0)
    go_on.set()
    answers = await told

    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert refused
    assert refused[0].retry_after_s == 1
    assert len(refused) <= 200
    assert await busy


def lambda_free(_tx, numbers):
    """An apply that does nothing; one function, so that all are one group."""
    return numbers


def test_another_kind_of_database_is_refused():
    with pytest.raises(NotConfigured, match="not mysql"):
        open_database("mysql://root@localhost/shop")
