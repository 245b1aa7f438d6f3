"""Rows of the proof that are gone, or other than they were, are noticed and named."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Connection, text

from tallystick.domain.errors import Invalid
from tallystick.domain.proof_chain import Head
from tallystick.flows.audit import audit, look_up
from tallystick.flows.proof_chain import begin, extend, knows
from tallystick.flows.schedule import run
from tallystick.products import CHECKS
from tallystick.store import proof_chain, witness
from tallystick.store.connect import open_database
from tallystick.store.database import Database
from tallystick.store.migrate import migrate
from tallystick.store.schema.proof import COVERED
from tests.store.house import House
from tests.store.merchants import load
from tests.store.rows import run as run_sql


async def behind_its_back(database: Database, table: str, statement: str) -> None:
    """What somebody does who holds the pen of the database."""
    if database.dialect == "sqlite":
        names = [f"{table}_no_{verb}" for verb in ("update", "delete")]
        with closing(sqlite3.connect(database.path)) as there:  # type: ignore[attr-defined]
            listed = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            guards = dict(there.execute(listed).fetchall())
            for name in names:
                there.execute(f"DROP TRIGGER {name}")
            there.execute(statement)
            for name in names:
                there.execute(guards[name])
            there.commit()
        return

    def body(tx: Connection) -> None:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.exec_driver_sql(statement)

    await database.write(body)


async def named(database: Database) -> tuple[str, ...]:
    """What the audit says of the chain."""
    found = {one.invariant: one.rows for one in await audit(database, CHECKS)}
    return found.get("H1", ())


async def head(house: House) -> Head:
    return await house.database.read(proof_chain.head)


async def linked(house: House) -> set[str]:
    """The ids of all rows that stand in a link."""
    kept = await house.database.read(
        lambda tx: tx.execute(text("SELECT leaves FROM proof_links")).scalars().all()
    )
    return {line.split(" ")[0] for leaves in kept for line in leaves.split("\n")}


async def everything(house: House) -> set[str]:
    """The ids of all rows that are to be linked."""

    def read(tx: Connection) -> set[str]:
        return {
            name
            for table in COVERED
            for name in tx.execute(text(f"SELECT id FROM {table}")).scalars()
        }

    return await house.database.read(read)


async def decided(house: House) -> str:
    """A payment with evidence, a receipt and a decision."""
    gift = await house.sell_gift_card()
    payment, ref = await house.open()
    house.pays(ref, 10_000)
    await house.settle(payment)
    add = (
        "INSERT INTO decisions (id, subject, action, reason, actor, payment_id, at) SELECT "
        "'dec_' || id, id, 'parked', 'why', 'key_1', id, created_at FROM payments WHERE id = :id"
    )
    await house.database.write(partial(run_sql, statement=add, id=payment))
    return gift.payment_id


async def test_books_that_nobody_touched_fit_their_chain(house):
    await decided(house)

    made = await extend(house.hub)

    assert made == 3
    assert await extend(house.hub) == 0
    assert await linked(house) == await everything(house)
    assert await audit(house.database, CHECKS) == []


@pytest.mark.parametrize("table", COVERED)
async def test_a_row_that_was_acknowledged_and_is_gone_is_named(house, table):
    await decided(house)
    await extend(house.hub)
    lost = await house.database.read(lambda tx: run_sql(tx, f"SELECT MAX(id) FROM {table}"))

    await behind_its_back(house.database, table, f"DELETE FROM {table} WHERE id = '{lost}'")

    told = await named(house.database)
    assert len(told) == 1
    assert told[0].startswith(f"{lost} of {table} is gone; link ")


@pytest.mark.parametrize(
    ("table", "change"),
    [("evidence", "note = 'x'"), ("receipts", "amount = amount + 1"), ("decisions", "actor = 'x'")],
)
async def test_a_row_that_was_written_otherwise_is_named(house, table, change):
    await decided(house)
    await extend(house.hub)
    one = await house.database.read(lambda tx: run_sql(tx, f"SELECT MIN(id) FROM {table}"))

    await behind_its_back(
        house.database, table, f"UPDATE {table} SET {change} WHERE id = '{one}'"
    )  # fmt: skip

    told = await named(house.database)
    assert len(told) == 1
    assert told[0].startswith(f"{one} of {table} is another one than link ")


async def test_the_daily_audit_links_first_and_then_says_what_is_gone(house):
    await decided(house)
    assert (await run(house.hub, "audit")).success
    await behind_its_back(house.database, "decisions", "DELETE FROM decisions")

    done = await run(house.hub, "audit")

    assert not done.success
    assert "H1: dec_" in str(done.error)


async def test_a_head_that_somebody_kept_tells_when_the_end_of_the_chain_is_gone(house):
    await decided(house)
    await extend(house.hub)
    early = await head(house)
    await house.sell_gift_card()
    await extend(house.hub)
    kept = await head(house)
    short = Head.read(f"{kept.links}-{kept.hash[:12]}")
    assert await knows(house.database, early)
    assert await knows(house.database, short)

    await behind_its_back(
        house.database, "proof_links", f"DELETE FROM proof_links WHERE n > {early.links}"
    )

    [found] = await look_up(house.database, short, [])
    assert found.invariant == "H1"
    assert f"Link {kept.links} of the proof is not {short.hash}" in found.rows[-1]
    assert await look_up(house.database, early, []) == []
    with pytest.raises(Invalid, match="57-0a1b2c3d4e5f"):
        Head.read("yesterday's")


@pytest.mark.postgresql_only
async def test_a_row_whose_transaction_ends_late_is_linked_when_it_has_ended(house, database_url):
    """Nobody waits: neither who writes nor who links."""
    await decided(house)
    other = await asyncpg.connect(database_url)
    slow = other.transaction()
    await slow.start()
    await other.execute(
        "INSERT INTO decisions (id, subject, action, reason, actor, at) VALUES "
        "('dec_slow', 'x', 'parked', 'why', 'me', now())"
    )

    await decided(house)
    await extend(house.hub)
    before = await linked(house)
    await slow.commit()
    await other.close()
    await extend(house.hub)

    assert "dec_slow" not in before
    assert await linked(house) == await everything(house)
    assert await audit(house.database, CHECKS) == []


async def test_rows_that_were_brought_to_another_place_are_linked_from_there_on(house):
    """Numbers of transactions and of rows begin again in another cluster or file."""
    await decided(house)
    await extend(house.hub)
    await behind_its_back(
        house.database, "proof_links", "UPDATE proof_links SET up_to = 1000000000"
    )
    await house.sell_gift_card()
    await extend(house.hub)

    assert await linked(house) == await everything(house)
    assert await extend(house.hub) == 0
    assert await named(house.database) == ()


async def test_the_rows_of_a_merchant_of_before_are_linked_after_the_migration(empty_database_url):
    await load(empty_database_url, "0001")
    await migrate(empty_database_url)
    house = House(open_database(empty_database_url))

    await extend(house.hub)
    await house.sell_gift_card()
    await extend(house.hub)

    assert await linked(house) == await everything(house)
    assert await named(house.database) == ()
    await house.database.close()


@pytest.mark.sqlite_only
async def test_a_new_file_in_the_place_of_an_old_one_is_no_alarm(house):
    witness = house.database.path.with_name(house.database.path.name + ".head")
    witness.write_text(f"57-{'a' * 64}\n")
    assert len(await named(house.database)) == 1

    await begin(house.hub)
    await house.sell_gift_card()
    await extend(house.hub)

    assert await named(house.database) == ()
    assert witness.with_name(witness.name + ".old").read_text().startswith("57-")


@pytest.mark.sqlite_only
async def test_a_log_that_was_damaged_in_its_middle_is_told_by_the_witness(house, tmp_path):
    """SQLite leaves out what follows the damage; the rest of the file is in order by itself."""
    file = Path(house.database.path)
    wal = file.with_name(file.name + "-wal")
    await decided(house)
    await extend(house.hub)
    kept, end = await head(house), wal.stat().st_size
    for _ in range(3):
        await house.sell_gift_card()
        await extend(house.hub)
    assert wal.stat().st_size > end

    there = tmp_path / "after the crash"
    there.mkdir()
    for one in file.parent.glob(f"{file.name}*"):
        if not one.name.endswith("-shm"):
            shutil.copyfile(one, there / one.name)
    with (there / wal.name).open("r+b") as log:
        log.seek(end + 100)
        log.write(b"damage")
    again = House(open_database(f"sqlite:///{there / file.name}"))

    [told] = await named(again.database)
    assert told.startswith(f"{file.name}.head has seen link {(await head(house)).links} ")
    assert f"the chain ends at link {kept.links} without it" in told
    again.till.numbers, again.transfers = count(1_000), count(1_000)
    await again.sell_gift_card()
    await extend(again.hub)
    assert await named(again.database) == (told.replace(
        f"ends at link {kept.links} ", f"ends at link {(await head(again)).links} "
    ),)  # fmt: skip
    (there / f"{file.name}.head").unlink()
    await again.sell_gift_card()
    await extend(again.hub)
    assert await audit(again.database, CHECKS) == []
    assert (there / f"{file.name}.head").read_text().strip() == str(await head(again))
    assert (there / f"{file.name}.head").stat().st_mode & 0o077 == 0
    await again.database.close()


def test_two_who_write_the_witness_at_once_both_leave_a_whole_one(tmp_path):
    path = tmp_path / "tallystick.db.head"
    head = Head.read(f"57-{'a' * 64}")

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda _: witness.write(path, head), range(200)))

    assert path.read_text() == f"{head}\n"
    assert list(tmp_path.iterdir()) == [path]
