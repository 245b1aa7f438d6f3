"""Questions: who is asked about first at a gateway that is asked too much, and at what cost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import event

from tallystick.domain.payment import Phase
from tallystick.domain.schedule import Rank
from tallystick.flows import rescue
from tallystick.store import budgets, payments, questions
from tallystick.store.schema.core import payments as payments_table
from tests.store.rows import MINUTE, NOW, add, payment, run

UNTIL = NOW + timedelta(seconds=30)
LATER = NOW + timedelta(hours=9)


async def due(database, count):
    """Payments whose timers ran out, the first one first."""
    made = [
        payment(f"pay_{number}", next_check_at=NOW - number * MINUTE)
        for number in reversed(range(count))
    ]
    await database.write(lambda tx: add(tx, *made))
    return [one.id for one in made]


def take(database, now=NOW, limit=10, line="till", **more):
    """Take up what is due."""
    until = now + timedelta(seconds=30)
    return database.write(lambda tx: questions.take_due(tx, line, now, until, limit, **more))


async def test_a_timer_that_ran_out_is_taken_once_and_comes_back_when_its_taker_died(database):
    ids = await due(database, 3)

    assert sorted(await take(database, NOW)) == sorted(ids)
    assert await take(database, NOW + timedelta(seconds=29)) == []
    assert sorted(await take(database, UNTIL)) == sorted(ids)


async def test_of_one_rank_the_longest_overdue_is_taken_first(database):
    ids = await due(database, 5)

    assert await take(database, limit=2) == ids[:2]
    assert await database.read(payments.next_due) == NOW - 2 * MINUTE
    assert await database.read(lambda tx: questions.next_due(tx, "till")) == NOW - 2 * MINUTE


async def test_two_workers_at_once_share_what_is_due_and_do_not_wait_for_each_other(database):
    ids = await due(database, 10)

    def body(tx):
        taken = questions.take_due(tx, "till", NOW, NOW + MINUTE, 5)
        if database.dialect == "postgresql":
            run(tx, "SELECT pg_sleep(0.3)")
        return taken

    mine, yours = await asyncio.gather(database.write(body), database.write(body))

    assert not set(mine) & set(yours)
    assert set(mine + yours) | set(await take(database)) == set(ids)


async def test_what_is_not_due_is_not_taken(database):
    soon = NOW + timedelta(microseconds=1)
    await database.write(
        lambda tx: add(
            tx,
            payment("pay_1", next_check_at=soon, expires_at=NOW),
            payment("pay_2", phase=Phase.CANCELED, next_check_at=None),
        )
    )

    assert await take(database) == []


async def test_who_knocked_and_who_watches_comes_before_deadlines_young_and_old(database):
    past, soon = NOW - MINUTE, NOW + timedelta(seconds=20)
    await database.write(
        lambda tx: add(
            tx,
            payment("closed", phase=Phase.EXPIRED, rank=Rank.CLOSED, next_check_at=past),
            payment("old", rank=Rank.OLD, next_check_at=past - MINUTE),
            payment("young", rank=Rank.YOUNG, next_check_at=past),
            payment("ending", rank=Rank.OLD, next_check_at=NOW, expires_at=soon),
            payment("over", rank=Rank.OLD, next_check_at=NOW, expires_at=past),
            payment("watched", rank=Rank.WATCHED, next_check_at=NOW),
            payment("watched elsewhere", rank=Rank.WATCHED, next_check_at=NOW),
            payment("knocked", rank=Rank.KNOCKED, next_check_at=NOW),
            payment("at another gateway", rank=Rank.KNOCKED, next_check_at=NOW, gateway="bank"),
        )
    )

    order = []
    for _ in range(9):
        order += await take(database, limit=1, watched=lambda name: name == "watched")

    assert order == ["knocked", "watched", "over", "ending", "young", "old", "closed"]
    left = await take(database, NOW + timedelta(seconds=16), limit=1)
    assert left == ["watched elsewhere"]


async def test_nobody_starves_one_question_in_four_goes_to_whoever_waits_longest(database):
    old = payment("old", rank=Rank.OLD, next_check_at=NOW - 99 * MINUTE)
    young = [payment(f"young {n}", rank=Rank.YOUNG, next_check_at=NOW) for n in range(20)]
    await database.write(lambda tx: add(tx, old, *young))

    taken = [await take(database, limit=1, asked=number) for number in range(4)]

    assert ["old" in one for one in taken] == [False, False, False, True]


async def test_drafts_and_the_offers_of_gateways_that_are_gone_have_lines_of_their_own(database):
    await database.write(
        lambda tx: add(
            tx,
            payment("draft", phase=Phase.DRAFT, gateway=None, next_check_at=NOW),
            payment("gone", gateway="gone", next_check_at=NOW),
            payment("over", phase=Phase.EXPIRED, gateway="paid", next_check_at=None),
        )
    )

    assert await database.read(questions.lines) == ["", "gone"]
    assert await take(database, line="") == ["draft"]
    assert await take(database, line="gone") == ["gone"]


# --- A hundred thousand at one gateway --------------------------------------------------------

MANY = 100_000
BUSY: Final[dict[str, Any]] = {"calls_per_s": 3.0}


CROWD = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
INSERT INTO payments ({names})
SELECT {values} FROM payments CROSS JOIN numbers WHERE payments.id = 'pay_0'
"""


async def crowd(house, count=MANY):
    """Open payments at the till, all of them due; made by the database itself, which is quick."""
    names = [column.name for column in payments_table.c]
    values = ["'pay_' || n" if name == "id" else name for name in names]
    statement = CROWD.format(names=", ".join(names), values=", ".join(values))
    # Drafts: they have no evidence, and are moved by nothing but their deadline.
    first = payment(
        "pay_0", phase=Phase.DRAFT, rank=Rank.OLD, next_check_at=NOW - MINUTE, opened_at=None
    )

    def body(tx):
        add(tx, first)
        run(tx, statement, count=count - 1)
        run(tx, "ANALYZE payments")

    await house.database.write(body)


def written(database) -> list[str]:
    """Every statement that writes, from now on."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.split(None, 1)[0] in {"UPDATE", "INSERT", "DELETE"}:
            said.append(statement)

    engine = (
        database._writing if database.dialect == "sqlite" else database._asked.engine.sync_engine
    )
    event.listen(engine, "before_cursor_execute", note)
    return said


@pytest.fixture
def busy(database):
    """A house whose till allows three calls a second."""
    from tests.store.house import House

    return House(database, **BUSY)


@pytest.mark.slow
async def test_of_a_hundred_thousand_as_many_are_asked_as_the_gateway_allows(busy):
    await crowd(busy)
    hub, writes = busy.hub, written(busy.database)

    asked = [await rescue.ask_due(hub, "till") for _ in range(5)]

    assert asked == [3, 0, 0, 0, 0]
    without_token = len(writes)
    dues = [await hub.database.read(lambda tx: rescue.lines_due(tx, hub)) for _ in range(5)]
    assert len(writes) == without_token
    assert all(NOW < told["till"] <= NOW + timedelta(seconds=1) for told in dues)
    busy.pass_time(seconds=1)
    assert await rescue.ask_due(hub, "till") == 3


async def test_a_question_that_cannot_be_put_writes_nothing(busy):
    await crowd(busy, 20)
    await rescue.ask_due(busy.hub, "till")
    writes = written(busy.database)

    for _ in range(10):
        assert await rescue.ask_due(busy.hub, "till") == 0

    assert writes == []


async def test_two_processes_share_one_budget(database):
    from tests.store.house import House

    mine, yours = House(database, **BUSY), House(database, **BUSY)
    await crowd(mine, 40)

    asked = await asyncio.gather(*(rescue.ask_due(one.hub, "till") for one in (mine, yours) * 3))

    assert sum(asked) == 3


@pytest.mark.slow
async def test_a_young_payment_does_not_wait_behind_a_hundred_thousand_old_ones(busy):
    await crowd(busy)
    await rescue.ask_due(busy.hub, "till")
    payment_id, ref = await busy.open()
    busy.pays(ref)
    busy.pass_time(seconds=4)

    await rescue.ask_due(busy.hub, "till")

    found = await busy.database.read(lambda tx: payments.find(tx, payment_id))
    assert found.phase is Phase.PAID
    assert found.next_check_at is None


async def test_questions_out_of_turn_are_paid_from_the_same_budget(busy):
    await crowd(busy, 40)
    payment_id, _ = await busy.open()
    for _ in range(6):
        await busy.settle(payment_id)

    asked = [await rescue.ask_due(busy.hub, "till") for _ in range(2)]

    assert asked == [1, 0]
    budget = await busy.database.read(lambda tx: budgets.find(tx, "till", "main", 3.0))
    assert budget.left(NOW) == 0


def plan_of(tx, statement: Any, values: dict[str, object]) -> Sequence[str]:
    """How the database means to find the rows."""
    verb = "EXPLAIN QUERY PLAN " if tx.dialect.name == "sqlite" else "EXPLAIN "
    written_out = statement.compile(dialect=tx.dialect)
    names = written_out.positiontup or list(written_out.params)
    typed = {**written_out.params, **values}
    if tx.dialect.name == "sqlite":
        process = written_out._bind_processors
        sent = tuple(process[n](typed[n]) if n in process else typed[n] for n in names)
    else:
        sent = tuple(typed[name] for name in names)
    return [str(row) for row in tx.exec_driver_sql(verb + str(written_out), sent)]


async def test_no_question_scans_the_payments(busy):
    await crowd(busy)
    values: dict[str, object] = {"line": "till", "now": NOW, "soon": NOW, "limit": 6, "rank": 3}

    def body(tx):
        asked = (questions._HEADS[True], questions._RANKED[True], questions._ENDING[True])
        plans = [(one, plan_of(tx, one, values)) for one in asked]
        return [*plans, (questions._NEXT_LINE, plan_of(tx, questions._NEXT_LINE, {"after": ""}))]

    for statement, plan in await busy.database.write(body):
        lines = [line for line in plan if "payments" in line]
        assert lines, statement
        assert not [line for line in lines if "SCAN payments" in line or "Seq Scan" in line], plan
