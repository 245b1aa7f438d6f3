"""The feed has no gaps: whoever reads on from N has missed nothing, and never will."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tallystick.flows.feed import Reading, read
from tallystick.flows.number_events import publish
from tallystick.store import feed, outbox
from tallystick.store.outbox import News
from tests.store.rows import NOW

WRITERS, EACH, READERS = 8, 12, 3


def news(subject: str, number: int, kind: str = "topup.confirmed") -> News:
    """The so-manieth thing that is told of a subject."""
    return News(kind, f"{subject}/{number}", subject, {"number": number})


async def everything(house):
    """The whole feed."""
    return (await read(house.hub, Reading(limit=10_000))).events


async def test_a_payment_is_told_as_the_api_shows_it(house):
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.settle(payment_id)

    told = await everything(house)

    assert [one.type for one in told] == ["payment.opened", "payment.paid"]
    assert [one.seq for one in told] == [1, 2]
    paid = told[1]
    assert (paid.subject, paid.payment_id) == (payment_id, payment_id)
    assert (paid.data["phase"], paid.data["received"]) == ("paid", 50_000)
    assert "clientToken" not in paid.data


async def test_what_is_told_twice_is_in_the_feed_once(house):
    for _ in range(2):
        await house.database.write(lambda tx: outbox.tell(tx, news("user-7", 1), NOW))

    assert [one.data for one in await everything(house)] == [{"number": 1}]


async def test_a_transaction_that_is_taken_back_tells_nothing_and_leaves_no_gap(house):
    def fails(tx):
        outbox.tell(tx, news("user-7", 1), NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await house.database.write(fails)
    await house.database.write(lambda tx: outbox.tell(tx, news("user-7", 2), NOW))

    assert [(one.seq, one.data["number"]) for one in await everything(house)] == [(1, 2)]


@pytest.mark.postgresql_only
async def test_who_commits_late_is_numbered_late_and_missed_by_nobody(house, database_url):
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url)
    try:
        async with engine.connect() as slow:
            await slow.run_sync(lambda tx: outbox.tell(tx, news("slow", 1), NOW))
            await house.database.write(lambda tx: outbox.tell(tx, news("quick", 1), NOW))
            first = (await read(house.hub, Reading())).events
            await slow.commit()
    finally:
        await engine.dispose()

    second = (await read(house.hub, Reading(after=first[-1].seq))).events

    assert [(one.seq, one.subject) for one in first] == [(1, "quick")]
    assert [(one.seq, one.subject) for one in second] == [(2, "slow")]


def disorderly(name: str, number: int, *, pauses: bool):
    """A transaction that takes its time, so that commits come in another order than rows."""
    luck = random.Random(f"{name}/{number}").random()

    def body(tx):
        outbox.tell(tx, news(name, number), NOW)
        if pauses:
            tx.exec_driver_sql(f"SELECT pg_sleep({luck * 0.02})")
        if luck < 0.2:
            raise ZeroDivisionError

    return body


async def write_all(house, name: str) -> None:
    """One writer's transactions, one after the other; some are taken back."""
    pauses = house.database.dialect == "postgresql"
    for number in range(EACH):
        with contextlib.suppress(ZeroDivisionError):
            await house.database.write(disorderly(name, number, pauses=pauses))


async def follow(house, over: asyncio.Event) -> list[feed.Event]:
    """Read on from where one was, until the writers are through and nothing is left."""
    seen: list[feed.Event] = []
    while True:
        was_over = over.is_set()
        after = seen[-1].seq if seen else 0
        fresh = (await read(house.hub, Reading(after=after, limit=7))).events[:7]
        seen += fresh
        if was_over and not fresh:
            return seen


async def test_readers_beside_overlapping_writers_miss_nothing(house):
    names = [f"user-{number}" for number in range(WRITERS)]
    over = asyncio.Event()
    following = [asyncio.create_task(follow(house, over)) for _ in range(READERS)]
    await asyncio.gather(*(write_all(house, name) for name in names))
    over.set()
    logs = await asyncio.gather(*following)

    whole = await everything(house)
    assert [one.seq for one in whole] == list(range(1, len(whole) + 1))
    assert all(log == whole for log in logs)
    for name in names:
        own = [one.data["number"] for one in whole if one.subject == name]
        assert own == sorted(set(own))
        assert own


async def test_publishing_again_gives_no_number_twice(house):
    for number in range(3):
        await house.database.write(
            lambda tx, number=number: outbox.tell(tx, news("user-7", number), NOW)
        )

    counts = await asyncio.gather(*(publish(house.hub) for _ in range(5)))

    assert sum(counts) == 3
    assert len(await everything(house)) == 3


async def test_the_feed_can_be_read_by_type_and_goes_on_from_where_one_was(house):
    for kind in ("topup.confirmed", "payment.paid", "payment.paid_late"):
        await house.database.write(
            lambda tx, kind=kind: outbox.tell(tx, news("user-7", 1, kind), NOW)
        )

    found = await read(house.hub, Reading(after=1, patterns=("payment.*", "topup.confirmed")))
    paid = await read(house.hub, Reading(patterns=("payment.paid",)))

    assert [one.type for one in found.events] == ["payment.paid", "payment.paid_late"]
    assert [one.seq for one in paid.events] == [2]
    assert found.newest == 3
