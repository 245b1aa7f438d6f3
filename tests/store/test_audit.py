"""The audit finds what is broken, names it, and finds nothing where nothing is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tallystick.flows.audit import SHOWN, audit
from tallystick.flows.schedule import run
from tallystick.products import CHECKS
from tallystick.store import payments
from tallystick.store.refold import PAGE
from tests.infra.databases import fresh_file, postgres_template
from tests.store.books import Books, build
from tests.store.breaks import BREAKS
from tests.store.rows import NOW, add, payment
from tests.store.rows import run as run_sql


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def books(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Books]:
    """Books in order; what a test breaks is rolled back, so that all can share them."""
    if request.param == "sqlite":
        url = fresh_file(tmp_path_factory.mktemp("books") / "tallystick.db", migrated=True)
        yield Books(url, asyncio.run(build(url)))
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create(template=postgres_template(server))
    yield Books(url, asyncio.run(build(url)))
    server.drop(url)


def test_books_in_order_have_no_finding(books):
    assert books.broken() == set()


@pytest.mark.parametrize("made", BREAKS, ids=lambda made: made.what)
def test_the_audit_names_exactly_what_is_broken(books, made):
    assert books.broken(made.sql, loosened=made.loosened) == set(made.broken.split())


def test_every_check_is_seen_to_fail():
    shown = {name for made in BREAKS for name in made.broken.split()} | {"M2"}

    assert shown == {check.invariant for check in CHECKS}


TRIGGER_LOST = {
    "sqlite": ["DROP TRIGGER receipts_no_delete", "DROP TRIGGER events_no_update"],
    "postgresql": [
        "DROP TRIGGER receipts_append_only ON receipts",
        "ALTER TABLE events DISABLE TRIGGER events_append_only",
        """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RETURN NULL; END $$""",
    ],
}


def test_books_that_could_be_rewritten_are_found(books):
    dialect = books.url.partition(":")[0]
    (append_only,) = [check for check in CHECKS if check.invariant == "M2"]

    for statement in TRIGGER_LOST[dialect]:

        def body(tx, statement=statement):
            tx.exec_driver_sql(statement)
            return list(append_only.broken(tx))

        assert books.undone(body), statement


async def test_values_that_nobody_can_read_are_found_and_stop_nothing(database_url, database):
    """`tallystick audit` ended in a traceback, and the other invariants were not looked at."""
    await build(database_url)
    await database.write(lambda tx: run_sql(tx, "UPDATE webhook_endpoints SET events = 'all'"))
    await database.write(lambda tx: run_sql(tx, "UPDATE revenue_daily SET day = 'someday'"))

    found = {finding.invariant: finding for finding in await audit(database, CHECKS)}

    assert set(found) >= {"F4", "E1"}
    for invariant in ("F4", "E1"):
        told = "\n".join(found[invariant].rows)
        assert "a row holds a value that nobody can read" in told
        assert "'all'" not in told


async def test_an_empty_database_is_in_order(database):
    assert await audit(database, CHECKS) == []


async def test_a_finding_names_its_rows_and_not_more_than_a_person_reads(database):
    many = [payment(f"pay_{number:03}") for number in range(SHOWN + 1)]
    await database.write(lambda tx: add(tx, *many))

    found = {finding.invariant: finding for finding in await audit(database, CHECKS)}

    assert set(found) == {"S0", "S1"}
    assert len(found["S0"].rows) == SHOWN
    assert found["S0"].rows[0] == "pay_000 has phase open, and draft by its evidence"
    assert all(row.endswith("is open, its history ends at draft") for row in found["S1"].rows)
    assert found["S1"].sentence.endswith(".")


async def test_the_last_of_very_many_payments_is_looked_at_too(database):
    many = [payment(f"pay_{number:05}", phase="draft") for number in range(2 * PAGE + 1)]
    await database.write(lambda tx: add(tx, *many))
    await database.write(lambda tx: run_sql(tx, "UPDATE payments SET late = 1 WHERE id = :id",
                                            id=many[-1].id))  # fmt: skip

    (found,) = await audit(database, CHECKS)

    assert found.rows == (f"{many[-1].id} has late True, and False by its evidence",)


async def test_a_stopped_server_has_no_fault_for_the_time_it_was_down(house):
    await house.open()
    await run(house.hub, "poll-gateways")
    house.pass_time(days=30)

    assert await audit(house.database, CHECKS) == []


async def test_a_worker_that_runs_without_asking_is_found(house):
    payment_id, _ = await house.open()
    house.pass_time(hours=1)
    await run(house.hub, "poll-gateways")
    ago = house.clock.at.replace(year=2025)
    before = await house.database.read(lambda tx: payments.find(tx, payment_id))
    late = replace(before, next_check_at=ago)
    await house.database.write(lambda tx: payments.set_timer(tx, late))

    (found,) = await audit(house.database, CHECKS)

    assert found.invariant == "J2"
    assert found.rows == (f"{payment_id} was due at 2025-11-20T10:00:00Z",)


async def test_a_server_at_work_is_audited_without_a_false_alarm(house):
    async def trade():
        for _ in range(10):
            payment_id, ref = await house.open()
            house.pays(ref)
            await asyncio.gather(house.settle(payment_id), house.settle(payment_id))

    working = asyncio.gather(trade(), trade())
    found = []
    while not working.done():
        found += await audit(house.database, CHECKS)
        await asyncio.sleep(0.02)
    await working

    assert found == []


async def test_the_daily_audit_of_healthy_books_counts_as_a_success(house):
    done = await run(house.hub, "audit")

    assert done.success
    assert done.result == {"checked": len(CHECKS), "broken": []}


async def test_the_daily_audit_of_broken_books_counts_as_a_failure_and_says_why(house):
    await house.database.write(lambda tx: payments.add(tx, payment(phase="paid", paid_at=NOW)))

    done = await run(house.hub, "audit")

    assert not done.success
    assert done.error is not None
    assert "S2: pay_1 is paid with 0 of 50000 proven" in done.error
