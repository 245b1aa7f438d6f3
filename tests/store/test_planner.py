"""No question that is asked often reads through a table that grows, on either database.

Complete by construction: every `execute` in the store is one of a constant, which is asked as it
stands, or of a statement that a function puts together, which then has its samples.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.infra.databases import fresh_file, postgres_template
from tests.store import statements
from tests.store.large import fill
from tests.store.planner import Asked, faults
from tests.store.samples import SAMPLES

# What may read much, and why: it runs once a day, or where a person waits for a whole report.
ALLOWED: Final = {
    "idempotency._LET_GO": "once, when a server on SQLite starts; seven days of keys",
    "ledger._BALANCES": "the books over all time, when a person asks; from an index alone",
    "revenue.sale_rows._BORDERS": "the audit, and a change of the time zone",
    "reconciliation._IN_SPAN": "the job `reconcile`: all that came in a day, once a day",
    "webhook_endpoints.remove": "deletes all that was ever delivered to an endpoint",
    "forgetting._ANSWERS": "a person asks to be forgotten",
    "orders.personal_rows._ANY_ORDER": "the first row of all, when a person asks to be forgotten",
    "gift_cards.personal_rows._ANY_CARD": "the first row, when a person asks to be forgotten",
    "forgetting._EFFECTS": "a person asks to be forgotten",
    "orders.personal_rows.customer": "a person asks to be forgotten",
    "pruning.drop": "the job `tidy`, a slice at a time, once a day",
    "pruning.drop_aged": "the job `tidy`, a slice at a time, once a day",
    "pruning.stretch": "the job `tidy`, a slice at a time, once a day",
    "orders.coupon_rows._UNNAMED": "the job `tidy`, a slice at a time, once a day",
    "sealed.samples": "one row of each, at the first start with this version",
    "feed.page createdAfter": "the first page of a look back; it goes on by number",
}
REMEDY: Final = (
    "These statements read through a table that grows. Give each an index (store/schema and a "
    "migration), or ask in another way; what runs once a day goes to ALLOWED, with its reason."
)


def questions(tx: Connection) -> Iterator[Asked]:
    """Every statement of the store, as a driver is given it."""
    for name, statement in statements.constants(tx.dialect.name):
        yield from statements.of_constant(tx, name, statement)
    for name, calls in SAMPLES.items():
        for call in calls:
            yield from statements.of_function(tx, name, call)


def faults_on_sqlite(url: str) -> list[str]:
    engine = create_engine(
        make_url(url).set(drivername="sqlite+pysqlite"),
        poolclass=NullPool,
        connect_args={"isolation_level": None},
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=OFF")
        connection.exec_driver_sql("BEGIN")
        fill(connection)
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN")
        asked = list(questions(connection))
        connection.exec_driver_sql("ROLLBACK")
        return [fault for one in asked for fault in faults(connection, one)]


async def faults_on_postgresql(url: str) -> list[str]:
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )

    def body(tx: Connection) -> list[str]:
        fill(tx)
        return [fault for one in list(questions(tx)) for fault in faults(tx, one)]

    try:
        async with engine.connect() as connection:
            return await connection.run_sync(body)
    finally:
        await engine.dispose()


def refuse(found: list[str]) -> None:
    """Fail with everything that is not allowed, and what to do about it."""
    wrong = [fault for fault in dict.fromkeys(found) if fault.partition(":")[0] not in ALLOWED]
    if wrong:
        pytest.fail("\n  ".join([REMEDY, *wrong]), pytrace=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_asked_often_reads_through_a_growing_table_of_sqlite(tmp_path: Path):
    refuse(faults_on_sqlite(fresh_file(tmp_path / "large.db", migrated=True)))


@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_nothing_asked_often_reads_through_a_growing_table_of_postgresql(postgres_server: Any):
    url = postgres_server.create(template=postgres_template(postgres_server))
    found = asyncio.run(faults_on_postgresql(url))
    postgres_server.drop(url)

    refuse(found)


def test_every_statement_that_is_put_together_has_a_sample():
    sampled = {name.partition(" ")[0] for name in SAMPLES}

    built = {
        f"{statements.name_of(module)}.{function}"
        for module in statements.modules()
        for function in statements.built(module)
    }

    assert built == sampled, "tests/store/samples.py calls each of these, and nothing else."


def test_what_is_allowed_to_read_much_is_still_there():
    known = {name for name, _ in statements.constants("sqlite")} | set(SAMPLES)

    assert set(ALLOWED) <= known
