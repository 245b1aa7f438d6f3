"""The audit goes in slices, remembers what it proved, and looks at everything again in a week."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import event

from tallystick.flows.audit import ROUND, audit, audit_changes, prove
from tallystick.flows.schedule import run
from tallystick.products import CHECKS
from tallystick.store import payments
from tallystick.store.audit.marks import marks
from tests.store.large import is_growing
from tests.store.rows import NOW, add, payment
from tests.store.rows import run as run_sql

LATE = "UPDATE payments SET late = 1 WHERE id = '{}'"
RIGHT = "UPDATE payments SET late = 0 WHERE id = '{}'"


def named(findings):
    return {finding.invariant: finding.rows for finding in findings}


async def test_books_are_the_same_in_slices_of_one_row_and_as_a_whole(house):
    await house.sell_gift_card()
    payment_id, _ = await house.open()
    await house.database.write(partial(run_sql, statement=LATE.format(payment_id)))

    def broken(tx, many):
        return {(check.invariant, line) for check in CHECKS for line in check.broken(tx, many)}

    by_one = await house.database.read(partial(broken, many=1))

    assert {name for name, _ in by_one} == {"S0"}
    assert by_one == await house.database.read(partial(broken, many=10_000))


async def test_what_changed_since_the_last_audit_is_looked_at(house):
    old, ref = await house.open()
    house.pass_time(days=2)
    assert await prove(house.database, CHECKS, house.hub.now()) == []
    house.pays(ref)
    await house.settle(old)
    await house.database.write(partial(run_sql, statement=RIGHT.format(old)))

    found = named(await audit_changes(house.database, CHECKS, house.hub.now()))

    assert list(found) == ["S0"]
    assert found["S0"] == (f"{old} has late False, and True by its evidence",)


async def test_a_new_payment_is_looked_at_although_the_books_were_proven(house):
    await house.open()
    house.pass_time(days=2)
    assert await prove(house.database, CHECKS, house.hub.now()) == []
    fresh, _ = await house.open()
    await house.database.write(partial(run_sql, statement=LATE.format(fresh)))

    found = named(await prove(house.database, CHECKS, house.hub.now()))

    assert found == {"S0": (f"{fresh} has late True, and False by its evidence",)}


async def test_an_old_row_that_somebody_changed_is_found_within_a_week(house):
    for _ in range(20):
        await house.open()
    house.pass_time(days=2)
    assert await prove(house.database, CHECKS, house.hub.now()) == []
    victim = (await house.database.read(lambda tx: payments.following(tx, "", 20)))[-1].id
    await house.database.write(partial(run_sql, statement=LATE.format(victim)))
    assert await audit_changes(house.database, CHECKS, house.hub.now()) == []

    found = [named(await prove(house.database, CHECKS, house.hub.now())) for _ in range(ROUND)]

    assert {"S0": (f"{victim} has late True, and False by its evidence",)} in found
    assert set(named(await audit(house.database, CHECKS))) == {"S0"}


async def test_what_is_broken_is_told_each_day_until_it_is_mended(house):
    victim, _ = await house.open()
    house.pass_time(days=2)
    await house.database.write(partial(run_sql, statement=LATE.format(victim)))

    told = [list(named(await prove(house.database, CHECKS, house.hub.now()))) for _ in range(3)]
    await house.database.write(partial(run_sql, statement=RIGHT.format(victim)))

    assert told == [["S0"]] * 3
    assert await prove(house.database, CHECKS, house.hub.now()) == []


async def test_a_transaction_that_commits_late_is_not_passed_over(house):
    await house.open()
    assert await prove(house.database, CHECKS, house.hub.now()) == []
    earlier = payment("pay_01000000000000000000000000", phase="draft", late=True)
    await house.database.write(lambda tx: add(tx, earlier))
    young, _ = await house.open()

    kept = await house.database.read(marks)

    assert kept["S0 payments.id"].proven < young


async def test_the_daily_job_keeps_what_it_proved_and_says_what_is_broken(house):
    payment_id, _ = await house.open()
    house.pass_time(days=2)
    assert (await run(house.hub, "audit")).success
    kept = await house.database.read(marks)

    assert kept["S0 payments.id"].proven == payment_id
    assert kept["E1 days"].proven == ""
    await house.database.write(lambda tx: payments.add(tx, payment(phase="paid", paid_at=NOW)))
    done = await run(house.hub, "audit")
    assert not done.success
    assert "S2: pay_1 is paid with 0 of 50000 proven" in str(done.error)


def test_every_walk_has_a_mark_of_its_own():
    names = [
        f"{check.invariant} {part.name}"
        for check in CHECKS
        for part in check.parts
        if not callable(part)
    ]

    assert len(names) == len(set(names))
    assert len(names) > 40


@pytest.mark.sqlite_only
async def test_no_slice_reads_through_a_growing_table(database):
    """An audit that reads a whole table for each slice would take the square of the rows."""

    def scans(tx):
        seen = []
        event.listen(
            tx, "before_cursor_execute", lambda _, __, sql, values, *___: seen.append((sql, values))
        )
        for check in CHECKS:
            for part in check.parts:
                if not callable(part):
                    list(part.broken(tx, "1", "2" if part.name != "days" else "2026-01-02"))
                    list(part.touched(tx, ["pay_1", "pay_2"]))
        plans = [
            (row[3], sql)
            for sql, values in list(seen)
            for row in tx.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, values)
        ]
        return [
            (line, sql)
            for line, sql in plans
            if line.startswith("SCAN") and is_growing(line.split()[1])
        ]

    assert await database.read(scans) == []
