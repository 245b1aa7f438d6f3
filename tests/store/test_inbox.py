"""The inbox: kept before anybody acts, taken by one, closed only with what it led to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tallystick.domain.evidence import Claim
from tallystick.domain.raw_bytes import Raw
from tallystick.store import inbox, raw_bytes
from tallystick.store.inbox import Delay
from tests.store.rows import MINUTE, NOW, money, run

RAW = Raw("d1", b"\x00\xff{}")
NAMES = [f"ntc_{number}" for number in range(1, 5)]
UNTIL = NOW + timedelta(seconds=20)


def row(number=1, at=NOW, **changes):
    """A fresh notice about one transfer."""
    given = {
        "gateway": "till", "account": "main", "event_id": f"e{number}", "refs": ["ref-1", "id-1"],
        "claim": Claim.PENDING, "credits_": [money()], "memo": "Cảm ơn TS1",
        "raw": RAW, "now": at,
    }  # fmt: skip
    return inbox.row(f"ntc_{number}", **given | changes)


async def keep(database, *rows):
    """Keep notices in one batch."""
    await database.write(lambda tx: inbox.keep_each(tx, rows))


def take(database, now=NOW, until=UNTIL, limit=10):
    """Take what is due."""
    return database.write(lambda tx: inbox.take_due(tx, now, until, limit))


async def test_a_notice_is_kept_as_it_came_and_due_at_once(database):
    await keep(database, row())

    (taken,) = await take(database)

    assert taken.id == "ntc_1"
    assert (taken.gateway, taken.account, taken.refs) == ("till", "main", ("ref-1", "id-1"))
    assert (taken.claim, taken.credits, taken.digest) == (Claim.PENDING, (money(),), "d1")
    assert (taken.received_at, taken.tries) == (NOW, 0)


async def test_a_notice_that_comes_again_changes_nothing(database):
    await keep(database, row())
    other = Raw("d2", b"other")
    await keep(database, row(2, event_id="e1", raw=other), row(3), row(4, event_id="e3"))

    taken = await take(database)
    kept = [await database.read(lambda tx, of=of: raw_bytes.find(tx, of)) for of in NAMES]

    assert [(one.id, one.digest) for one in taken] == [("ntc_1", "d1"), ("ntc_3", "d1")]
    assert [one and one.content for one in kept] == [RAW.sealed, None, RAW.sealed, None]


@pytest.mark.parametrize("column", ["gateway", "account"])
async def test_events_of_two_accounts_may_have_the_same_name(database, column):
    await keep(database, row(1, event_id="e"), row(2, event_id="e", **{column: "other"}))

    assert await database.read(inbox.waiting) == 2


async def test_a_notice_is_taken_once_and_comes_back_when_its_taker_died(database):
    await keep(database, row())

    assert len(await take(database)) == 1
    assert await take(database, UNTIL - timedelta(seconds=1)) == []
    (again,) = await take(database, UNTIL)

    assert again.tries == 1


async def test_two_workers_at_once_share_the_notices(database):
    await keep(database, *(row(number) for number in range(10)))

    def body(tx):
        taken = inbox.take_due(tx, NOW, UNTIL, 5)
        if database.dialect == "postgresql":
            run(tx, "SELECT pg_sleep(0.3)")
        return [one.id for one in taken]

    mine, yours = await asyncio.gather(database.write(body), database.write(body))

    assert sorted(mine + yours) == sorted(f"ntc_{number}" for number in range(10))


async def test_the_oldest_notice_is_taken_first(database):
    await keep(database, row(1), row(2, NOW - MINUTE), row(3, NOW + MINUTE))

    assert await database.read(inbox.next_due) == NOW - MINUTE
    assert [one.id for one in await take(database)] == ["ntc_2", "ntc_1"]


async def test_a_notice_that_was_handled_is_never_taken_again(database):
    await keep(database, row(1), row(2))

    await database.write(lambda tx: inbox.handled(tx, ["ntc_1"], "pay_1", NOW))

    assert [one.id for one in await take(database, NOW + timedelta(days=99))] == ["ntc_2"]
    assert await database.read(inbox.waiting) == 1


async def test_a_failure_that_comes_after_the_handling_does_not_open_it_again(database):
    await keep(database, row())
    await database.write(lambda tx: inbox.handled(tx, ["ntc_1"], "pay_1", NOW))

    await database.write(lambda tx: inbox.later(tx, [Delay("ntc_1", NOW, "too late")]))

    assert await database.read(inbox.waiting) == 0


async def test_a_notice_that_failed_is_due_later_or_left_to_a_person(database):
    await keep(database, row(1), row(2))

    delays = [Delay("ntc_1", NOW + MINUTE, "away"), Delay("ntc_2", None, "three days")]
    await database.write(lambda tx: inbox.later(tx, delays))

    assert await take(database) == []
    assert [one.id for one in await take(database, NOW + MINUTE)] == ["ntc_1"]
    assert await database.read(inbox.waiting) == 1


async def test_a_restart_lets_go_of_what_a_dead_process_held(database):
    await keep(database, row(1), row(2))
    await take(database)
    await database.write(lambda tx: inbox.handled(tx, ["ntc_2"], "pay_1", NOW))

    await database.write(lambda tx: inbox.let_go(tx, NOW))

    assert [one.id for one in await take(database)] == ["ntc_1"]


async def test_handling_nothing_touches_nothing(database):
    await keep(database, row())

    await database.write(lambda tx: inbox.handled(tx, [], "pay_1", NOW))

    assert await database.read(inbox.waiting) == 1


async def test_a_notice_is_found_by_the_gateways_own_name_for_it(database):
    await keep(database, row())

    found = await database.read(lambda tx: inbox.by_event(tx, "till", "main", "e1"))

    assert found is not None
    assert found.id == "ntc_1"
    assert await database.read(lambda tx: inbox.by_event(tx, "till", "other", "e1")) is None


async def test_an_empty_inbox_has_nothing_due(database):
    assert await database.read(inbox.next_due) is None
    assert await take(database) == []
