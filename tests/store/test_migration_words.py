"""A column gets new words, and a merchant's rows, indexes and triggers are what they were."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tallystick.domain.payment import LatePolicy, Review
from tallystick.store import ledger, payments
from tallystick.store.connect import open_database
from tallystick.store.documents import credit_document
from tallystick.store.migrate import migrate
from tests.store.merchants import at_step, within
from tests.store.rows import NOW, add, attempt, money, payment, plant, run

REBUILT = ("evidence", "payments", "decisions")
DECISION = (
    "INSERT INTO decisions (id, subject, action, reason, actor, payment_id, at) "
    "SELECT '{id}', 'pay_1', '{action}', 'why', 'key_1', 'pay_1', created_at FROM payments "
    "WHERE id = 'pay_1'"
)


def rows_of(tx: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables that are made anew, and of some that name them."""
    tables = (*REBUILT, "attempts", "receipts")
    return {
        table: sorted(map(tuple, tx.execute(text(f"SELECT * FROM {table}")))) for table in tables
    }


def fill(tx: Connection) -> None:
    """A merchant's rows of before: two payments, one of them with money, and a decision."""
    for row in (payment("pay_1", review=Review.OVER, reference="A-1"),
                payment("pay_2", late_policy=LatePolicy.REVIEW)):  # fmt: skip
        plant(tx, "payments", asdict(row))
    plant(tx, "attempts", asdict(attempt("att_1", of="pay_1")))
    said = {"id": "evd_1", "payment_id": "pay_1", "attempt_id": "att_1", "key": "k",
            "source": "fetch", "trust": 2, "claim": "succeeded", "counts": True, "note": "",
            "credits": [credit_document(money())], "conflict": False, "observed_at": NOW,
            "digest": "d"}  # fmt: skip
    plant(tx, "evidence", said)
    ledger.receive(tx, "pay_1", "att_1", money(), "k", NOW)
    run(tx, DECISION.format(id="dec_1", action="parked"))


@pytest.fixture
async def upgraded(empty_database_url):
    """A database of today, and what its rows were before and after the step with the words."""
    seen: list[dict[str, list[tuple[Any, ...]]]] = []
    await at_step(empty_database_url, "0003")
    await within(empty_database_url, fill)
    await within(empty_database_url, lambda tx: seen.append(rows_of(tx)))
    await at_step(empty_database_url, "0004")
    await within(empty_database_url, lambda tx: seen.append(rows_of(tx)))
    before, after = seen
    await migrate(empty_database_url)
    database = open_database(empty_database_url)
    yield database, (before, after)
    await database.close()


async def test_a_merchants_rows_are_all_kept(upgraded):
    _, (before, after) = upgraded

    assert after == before
    assert all(before.values())


async def test_the_new_words_can_be_written_and_no_others(upgraded):
    database, _ = upgraded

    await database.write(lambda tx: run(tx, "UPDATE payments SET review = 'unfinished'"))
    await database.write(lambda tx: run(tx, "UPDATE payments SET late_policy = 'auto_refund'"))
    await database.write(lambda tx: run(tx, DECISION.format(id="dec_2", action="accepted")))
    with pytest.raises(IntegrityError):
        await database.write(lambda tx: run(tx, "UPDATE payments SET review = 'odd'"))
    with pytest.raises(IntegrityError):
        await database.write(lambda tx: run(tx, DECISION.format(id="dec_3", action="kept")))

    found = await database.read(lambda tx: payments.find(tx, "pay_1"))
    assert (found.review, found.late_policy) == (Review.UNFINISHED, LatePolicy.AUTO_REFUND)


async def test_what_was_append_only_still_is(upgraded):
    database, _ = upgraded

    for table in ("evidence", "decisions"):
        with pytest.raises(DBAPIError, match="is append-only"):
            await database.write(lambda tx, table=table: run(tx, f"DELETE FROM {table}"))


async def test_what_names_a_payment_still_names_it(upgraded):
    database, _ = upgraded

    with pytest.raises(IntegrityError):
        await database.write(lambda tx: add(tx, attempt("att_9", of="pay_9")))
    with pytest.raises(IntegrityError):
        await database.write(lambda tx: run(tx, "DELETE FROM payments WHERE id = 'pay_1'"))


@pytest.mark.sqlite_only
async def test_no_row_is_left_naming_nothing(upgraded):
    database, _ = upgraded

    assert await database.read(lambda tx: run(tx, "PRAGMA foreign_key_check")) is None
    assert await database.read(lambda tx: run(tx, "PRAGMA integrity_check")) == "ok"
