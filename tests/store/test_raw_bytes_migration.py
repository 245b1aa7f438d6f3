"""A merchant's rows are kept when raw bytes leave the proof, and so are their digests."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, TextClause, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from tallystick.flows.raw_bytes import opened, opened_notice
from tallystick.flows.tidy import tidy
from tallystick.store import notices, raw_bytes
from tallystick.store.connect import open_database
from tallystick.store.migrate import config, migrate
from tests.store.house import House
from tests.store.rows import NOW

ROWS = """
INSERT INTO payments (id, purpose, phase, amount_state, late, amount, currency, received, refunded,
  late_policy, retriable, tolerance, description, metadata, test_mode, created_at, updated_at,
  expires_at, closed_at, paid_at, version)
  VALUES ('pay_1', 'plain', 'paid', 'exact', 0, 5, 'VND', 5, 0, 'auto_fulfil', 0, 0, '', '{}', 0,
  :now, :now, :now, :now, :now, 1);
INSERT INTO evidence (id, payment_id, key, source, trust, claim, credits, counts, conflict, note,
  observed_at, raw) VALUES ('evd_1', 'pay_1', 'a', 'fetch', 2, 'succeeded', '[]', 1, 0, '', :now,
  :answer);
INSERT INTO evidence (id, payment_id, key, source, trust, claim, credits, counts, conflict, note,
  observed_at, raw) VALUES ('evd_2', 'pay_1', 'b', 'webhook', 1, 'pending', '[]', 0, 0, '', :now,
  :notice);
INSERT INTO evidence (id, payment_id, key, source, trust, claim, credits, counts, conflict, note,
  observed_at, raw) VALUES ('evd_3', 'pay_1', 'c', 'clock', 3, 'deadline', '[]', 0, 0, '', :now,
  NULL);
INSERT INTO inbox (id, gateway, account, event_id, refs, claim, credits, memo, headers, query, body,
  received_at, tries, payment_id, handled_at) VALUES ('ntc_1', 'till', 'main', 'e1', '["r"]',
  'pending', '[]', 'TS1', '{"content-type":"text/x"}', 'a=b', :notice, :now, 1, 'pay_1', :now);
INSERT INTO inbox (id, gateway, account, event_id, refs, claim, credits, memo, headers, query, body,
  received_at, tries, due_at, error) VALUES ('ntc_2', 'till', 'main', 'e2', '["x"]', 'pending',
  '[]', '', '{}', 'q=1', :none, :now, 9, :now, 'No payment of ours has this reference.');
INSERT INTO inbox (id, gateway, account, event_id, refs, claim, credits, memo, headers, query, body,
  received_at, tries, due_at) VALUES ('ntc_3', 'till', 'main', 'e3', '[]', 'pending', '[]', '',
  '{}', '', :none, :now, 9, :now);
INSERT INTO refunds (id, payment_id, gateway, account, transaction_id, amount, undelivered,
  currency, state, source, method, reason, keep_access, requested_by, tries, created_at, updated_at)
  VALUES ('rf_1', 'pay_1', 'till', 'main', 'FT1', 1, 0, 'VND', 'failed', 'merchant', 'api', '', 0,
  '', 1, :now, :now);
INSERT INTO refund_moves (refund_id, line, state_before, signal, state_after, why, raw, at)
  VALUES ('rf_1', 3, 'pending', 'failed', 'failed', 'no', :answer, :now);
INSERT INTO schedules (name, next_run_at) VALUES ('tidy', :later)
"""
ANSWER, NOTICE = b'{"answer":"B\xc3\xacnh"}', b'{"notice":\x00\xff}'


def sha(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def begin(tx: Connection) -> None:
    """The schema of the first version, with a merchant's rows in it."""
    command.upgrade(config(tx), "0001")
    sqlite = tx.dialect.name == "sqlite"
    at = int(NOW.timestamp() * 1_000_000)
    times: dict[str, Any] = {"now": at if sqlite else NOW, "later": at * 2 if sqlite else NOW}
    values = {**times, "answer": ANSWER, "notice": NOTICE, "none": b""}
    for statement in ROWS.split(";\n"):
        named = {name: value for name, value in values.items() if f":{name}" in statement}
        tx.execute(text(statement.replace('":', '"\\:')), named)


async def first_version(url: str) -> None:
    """A database as the first version left it."""
    if url.startswith("sqlite"):
        engine = create_engine(make_url(url).set(drivername="sqlite+pysqlite"))
        with engine.begin() as connection:
            begin(connection)
        engine.dispose()
        return
    there = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with there.begin() as connection:
        await connection.run_sync(begin)
    await there.dispose()


async def test_a_merchants_rows_are_kept_and_their_bytes_stand_apart(empty_database_url):
    await first_version(empty_database_url)

    assert await migrate(empty_database_url)

    database = open_database(empty_database_url)
    house = House(database)

    def seen(tx):
        found = tx.execute(text("SELECT id, digest FROM evidence ORDER BY id")).all()
        moved = tx.execute(text("SELECT digest, why FROM refund_moves")).all()
        subjects = ("evd_1", "evd_2", "evd_3", "ntc_1", "ntc_2", "ntc_3", "rf_1/3")
        return found, moved, {name: raw_bytes.find(tx, name) for name in subjects}

    digests, moves, kept = await database.read(seen)
    found = await database.read(
        lambda tx: [notices.find(tx, f"ntc_{number}") for number in (1, 2, 3)]
    )
    rows = [row for row in found if row is not None]
    assert digests == [("evd_1", sha(ANSWER)), ("evd_2", sha(NOTICE)), ("evd_3", None)]
    assert moves == [(sha(ANSWER), "no")]
    # What a notice said is kept once, with the notice.
    assert [name for name, one in kept.items() if one] == ["evd_1", "ntc_1", "ntc_2", "rf_1/3"]
    assert opened(house.hub, kept["evd_1"]) == ANSWER
    raw = opened_notice(house.hub, kept["ntc_1"], NOW)
    assert (raw.body, raw.query, raw.headers) == (NOTICE, "a=b", {"content-type": "text/x"})
    assert rows[0].digest == sha(NOTICE)
    assert rows[1].digest == sha(b"q=1")
    assert [row.state for row in rows] == ["handled", "orphan", "handled"]
    await database.close()


async def test_what_was_moved_plain_is_sealed_by_the_first_tidy_which_is_due_at_once(
    empty_database_url,
):
    await first_version(empty_database_url)
    await migrate(empty_database_url)
    database = open_database(empty_database_url)
    house = House(database)
    plain = await database.read(lambda tx: raw_bytes.plain(tx, 10))

    due = await database.read(
        lambda tx: tx.execute(text("SELECT next_run_at < :now FROM schedules"), now_of(tx)).scalar()
    )
    went = await tidy(house.hub)

    sealed = await database.read(lambda tx: raw_bytes.find(tx, "evd_1"))
    assert due
    assert sealed is not None
    assert went["sealed"] == len(plain) == 4
    assert sealed.sealed
    assert b"answer" not in sealed.content
    assert opened(house.hub, sealed) == ANSWER
    await database.close()


async def test_the_proof_is_append_only_again_after_the_move(empty_database_url):
    await first_version(empty_database_url)
    await migrate(empty_database_url)
    database = open_database(empty_database_url)

    for table in ("evidence", "refund_moves"):
        change = text(f"UPDATE {table} SET digest = 'x'")
        with pytest.raises(DBAPIError, match="append-only"):
            await database.write(partial(carry_out, change))
    await database.close()


def carry_out(change: TextClause, tx: Connection) -> None:
    """Run one statement."""
    tx.execute(change)


def now_of(tx: Connection) -> dict[str, Any]:
    """A moment as this database compares it."""
    return {"now": int(NOW.timestamp() * 1_000_000) if tx.dialect.name == "sqlite" else NOW}
