"""SQLite: a full disk, a commit that fails, a second server, and never a false yes."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys

import pytest
from sqlalchemy.exc import DBAPIError

from tallystick.domain.errors import DatabaseUnavailable
from tallystick.store.checkup import write_and_take_back
from tallystick.store.connect import open_database
from tallystick.store.sqlite import ServerLock
from tests.store.rows import run
from tests.store.writing import kept, key


@pytest.mark.sqlite_only
async def test_a_write_after_the_end_is_refused_and_does_not_hang(database):
    await database.close()

    with pytest.raises(DatabaseUnavailable, match="stopping"):
        await database.write(lambda tx: key(tx, "late"))


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


@pytest.mark.sqlite_only
@pytest.mark.parametrize("ending", ["", "-wal"])
async def test_a_write_to_a_file_that_was_renamed_is_refused_until_it_is_back(database, ending):
    await database.write(lambda tx: key(tx, "before"))
    own = database.path.with_name(database.path.name + ending)
    elsewhere = own.rename(own.with_name("elsewhere"))

    for write in (
        database.write(lambda tx: key(tx, "lost")),
        database.write_each(lambda tx, names: [key(tx, n) for n in names], "lost too"),
    ):
        with pytest.raises(DatabaseUnavailable, match="was renamed, deleted or replaced"):
            await write  # fmt: skip
    assert not own.exists()
    elsewhere.rename(own)

    assert await database.write(lambda tx: key(tx, "after")) == "after"
    assert await kept(database) == {"before", "after"}


@pytest.mark.sqlite_only
async def test_what_lands_in_a_file_that_is_renamed_meanwhile_is_not_acknowledged(database):
    await database.write(lambda tx: key(tx, "before"))

    def renamed_meanwhile(tx):
        database.path.rename(database.path.with_name("elsewhere.db"))
        return key(tx, "landed elsewhere")

    with pytest.raises(DatabaseUnavailable, match="was renamed, deleted or replaced"):
        await database.write(renamed_meanwhile)


@pytest.mark.sqlite_only
async def test_a_damaged_file_is_a_database_that_is_away(database):
    def damaged(_):
        raise DBAPIError("SELECT", {}, sqlite3.DatabaseError("database disk image is malformed"))

    with pytest.raises(DatabaseUnavailable, match="malformed"):
        await database.read(damaged)


async def test_whether_anything_can_be_written_is_found_out_by_writing(database):
    """A transaction without a change succeeds on a full disk."""
    changed = "PRAGMA data_version" if database.dialect == "sqlite" else (
        "SELECT pg_current_wal_insert_lsn()::text"
    )  # fmt: skip
    before = await database.read(lambda tx: run(tx, changed))

    told = await asyncio.gather(
        *(database.write_each(write_and_take_back, "here") for _ in range(3))
    )

    assert told == [0, 0, 0]
    assert await database.read(lambda tx: run(tx, changed)) != before
    assert await database.read(lambda tx: run(tx, "SELECT count(*) FROM clock_doubts")) == 0


@pytest.mark.sqlite_only
async def test_nothing_can_be_written_where_a_write_is_refused(database):
    await database.write(lambda tx: tx.exec_driver_sql("PRAGMA query_only=ON"))

    with pytest.raises(DatabaseUnavailable, match="readonly"):
        await database.write_each(write_and_take_back, "here")
