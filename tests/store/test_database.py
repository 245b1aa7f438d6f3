"""What every flow relies on: all or nothing, one for each, durable, and never a false yes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy.exc import DBAPIError

from tallystick.domain.errors import DatabaseUnavailable, NotConfigured, RaceLost, Unavailable
from tallystick.domain.evidence import Claim
from tallystick.store import idempotency, inbox
from tallystick.store.database import open_database
from tallystick.store.postgresql import LARGEST_QUEUE
from tallystick.store.sqlite import ServerLock
from tests.infra.postgres import execute
from tests.store.rows import NOW, run


def key(tx, name, size=1):
    """Write one row; the answer is its name."""
    idempotency.claim(
        tx, "test", name, fingerprint="f" * size, payment_id=None, held_until=NOW, now=NOW
    )
    return name


def each(tx, names):
    """The same for a batch. "bad" breaks a rule of the database."""
    for name in names:
        key(tx, name)
        if name == "bad":
            run(tx, "INSERT INTO schedules (name) VALUES ('no next run')")
    return list(names)


async def kept(database):
    """The names that are written down."""
    return await database.read(
        lambda tx: set(tx.exec_driver_sql("SELECT key FROM idempotency").scalars())
    )


def notice(event, name):
    """A notice's row."""
    return inbox.row(
        name, gateway="till", account="main", event_id=event, refs=[], claim=Claim.PENDING,
        credits_=[], headers={}, query="", body=b"", now=NOW,
    )  # fmt: skip


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
        *(database.write(lambda tx, name=name: key(tx, name + "!")) for name in names)
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


@pytest.mark.sqlite_only
async def test_a_write_after_the_end_is_refused_and_does_not_hang(database):
    await database.close()

    with pytest.raises(DatabaseUnavailable, match="stopping"):
        await database.write(lambda tx: key(tx, "late"))


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


@pytest.mark.sqlite_only
async def test_a_full_disk_never_swallows_a_notice_that_we_said_yes_to(database):
    def shrink(tx):
        pages = run(tx, "PRAGMA page_count")
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 5}")

    await database.write(shrink)

    names = ["small", "huge", "small too"]
    told = await asyncio.gather(
        *(database.write(lambda tx, name=name: key(tx, name, 10**7 if name == "huge" else 1))
          for name in names),
        return_exceptions=True,
    )  # fmt: skip

    said_yes = {answer for answer in told if isinstance(answer, str)}
    assert said_yes == await kept(database)
    assert isinstance(told[1], DatabaseUnavailable)
    assert await database.write(lambda tx: key(tx, "room again")) == "room again"


@pytest.mark.sqlite_only
async def test_a_group_on_a_full_disk_is_told_so_as_a_whole(database):
    def shrink(tx):
        pages = run(tx, "PRAGMA page_count")
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 5}")

    def apply(tx, names):
        return [key(tx, name, 10**6) for name in names]

    await database.write(shrink)

    told = await asyncio.gather(
        *(database.write_each(apply, f"k{n}") for n in range(5)), return_exceptions=True
    )

    assert all(isinstance(answer, DatabaseUnavailable) for answer in told)
    assert await kept(database) == set()


@pytest.mark.sqlite_only
async def test_a_commit_that_fails_is_told_to_everyone_in_it(database):
    def orphan(tx):
        tx.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        run(tx, "INSERT INTO client_tokens VALUES ('t', 'pay_nobody', 0)")

    told = await asyncio.gather(
        database.write(lambda tx: key(tx, "beside")), database.write(orphan), return_exceptions=True
    )

    assert all(isinstance(answer, DBAPIError) for answer in told)
    assert await kept(database) == set()
    assert await database.write(lambda tx: key(tx, "next")) == "next"


@pytest.mark.sqlite_only
async def test_a_file_that_cannot_be_written_is_a_database_that_is_away(database):
    await database.write(lambda tx: tx.exec_driver_sql("PRAGMA query_only=ON"))

    with pytest.raises(DatabaseUnavailable, match="readonly") as told:
        await database.write(lambda tx: key(tx, "no"))

    assert told.value.retryable


@pytest.mark.sqlite_only
async def test_a_commit_is_on_the_disk_before_anybody_hears_of_it(database):
    settings = ("synchronous", "journal_mode", "foreign_keys")

    found = await database.write(lambda tx: [run(tx, f"PRAGMA {name}") for name in settings])

    # 2 is FULL, see https://www.sqlite.org/pragma.html#pragma_synchronous
    assert found == [2, "wal", 1]


@pytest.mark.sqlite_only
def test_a_second_server_on_the_same_file_is_refused(tmp_path):
    file = tmp_path / "hub.db"
    (tmp_path / "another.db").symlink_to(file)
    ServerLock(file).take()

    for same in (file, tmp_path / "another.db"):
        with pytest.raises(DatabaseUnavailable, match=r"uses hub\.db"):
            ServerLock(same).take()


@pytest.mark.sqlite_only
def test_a_server_that_died_leaves_the_file_to_the_next(tmp_path):
    code = "import sys, pathlib; from tallystick.store.sqlite import ServerLock;"
    code += "ServerLock(pathlib.Path(sys.argv[1])).take()"

    subprocess.run([sys.executable, "-c", code, str(tmp_path / "hub.db")], check=True)

    ServerLock(tmp_path / "hub.db").take()


@pytest.mark.sqlite_only
async def test_a_folder_that_does_not_exist_is_a_database_that_is_away(tmp_path):
    lost = open_database(f"sqlite:///{tmp_path}/nowhere/hub.db")

    with pytest.raises(DatabaseUnavailable):
        await lost.write(lambda tx: run(tx, "SELECT 1"))
    with pytest.raises(DatabaseUnavailable):
        await lost.read(lambda tx: run(tx, "SELECT 1"))
    await lost.close()


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


def test_another_kind_of_database_is_refused():
    with pytest.raises(NotConfigured, match="not mysql"):
        open_database("mysql://root@localhost/shop")
