"""Two processes of one hub: what one of them settles, the watchers of the other see."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tallystick.domain.snapshot import Snapshot
from tallystick.live import redis as redis_module
from tallystick.live.hub import LiveHub
from tallystick.live.postgres import PostgresLine
from tallystick.live.redis import RedisLine
from tallystick.live.relay import Line, Relay
from tallystick.store.connect import open_database
from tallystick.store.database import Database
from tests.infra.redis_server import OwnRedis
from tests.store.house import House

PATIENCE_S = 100.0


@dataclass(eq=False)
class Watcher:
    """A stream that remembers what it was shown."""

    payment_id: str
    client: str = "192.0.2.1"
    user: str | None = None
    seen: list[Snapshot] = field(default_factory=list)

    def frame(self, snapshot: Snapshot) -> bytes:
        return snapshot.id.encode()

    def show(self, snapshot: Snapshot, encoded: bytes) -> None:
        self.seen.append(snapshot)

    def end(self) -> None:
        """Nothing holds it open."""

    def stop(self) -> None:
        """Nor here."""


@pytest.fixture(
    params=[
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("postgresql", marks=pytest.mark.postgres),
    ]
)
def lines(request: pytest.FixtureRequest, monkeypatch) -> Callable[[], Line]:
    """Makes a line for each process, over Redis or over the database itself."""
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        monkeypatch.setattr(redis_module, "CHANNEL", f"test-{uuid.uuid4()}")
        return lambda: RedisLine(url)
    postgres = request.getfixturevalue("postgres_server")
    return lambda: PostgresLine(postgres.url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database that both processes use."""
    opened = open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def two(
    lines: Callable[[], Line], database: Database
) -> AsyncIterator[tuple[House, LiveHub, list[Relay]]]:
    """A house that settles, and the watchers of another process."""
    house, elsewhere = House(database), LiveHub()
    here: Any = house.hub.live
    relays = [Relay(lines(), here, database), Relay(lines(), elsewhere, database)]
    for relay in relays:
        relay.start()
    yield house, elsewhere, relays
    for relay in relays:
        await relay.stop()


async def until_told(house: House, payment_id: str, watcher: Watcher) -> None:
    """Publish until it is heard, since a line may still be opening and hints may be lost."""
    async with asyncio.timeout(PATIENCE_S):
        while not watcher.seen:
            house.hub.live.publish(await house.settle(payment_id))
            await asyncio.sleep(0.1)


async def test_a_payment_settled_here_reaches_a_stream_that_is_open_there(two):
    house, elsewhere, _ = two
    payment_id, ref = await house.open()
    watcher = Watcher(payment_id)
    elsewhere.join(watcher)
    house.pays(ref)

    await until_told(house, payment_id, watcher)

    assert (watcher.seen[0].phase, watcher.seen[0].received_minor) == ("paid", 50_000)


async def test_who_publishes_is_not_told_again_by_its_own_words(two):
    house, elsewhere, _ = two
    payment_id, _ = await house.open()
    mine, theirs = Watcher(payment_id), Watcher(payment_id)
    house.hub.live.join(mine)
    elsewhere.join(theirs)
    published = 0
    async with asyncio.timeout(PATIENCE_S):
        while not theirs.seen:
            house.hub.live.publish(await house.settle(payment_id))
            published += 1
            await asyncio.sleep(0.1)

    assert len(mine.seen) == published


async def test_a_line_that_breaks_is_opened_again_and_nothing_crashes(two):
    house, elsewhere, relays = two
    payment_id, ref = await house.open()
    watcher = Watcher(payment_id)
    elsewhere.join(watcher)
    await until_told(house, payment_id, watcher)
    for relay in relays:
        await relay._line.close()
    watcher.seen.clear()
    house.pays(ref)

    await until_told(house, payment_id, watcher)

    assert watcher.seen[-1].phase == "paid"


async def test_without_any_line_everybody_here_is_still_told(database):
    house = House(database)
    live: Any = house.hub.live
    relay = Relay(RedisLine("redis://127.0.0.1:1/0"), live, database)
    relay.start()
    payment_id, ref = await house.open()
    watcher = Watcher(payment_id)
    live.join(watcher)
    house.pays(ref)

    await house.settle(payment_id)
    await relay.stop()

    assert watcher.seen[-1].phase == "paid"


@pytest.mark.parametrize("trouble", ["absent", "frozen", "killed"])
async def test_without_redis_the_streams_of_another_process_are_told_by_the_database(
    trouble, tmp_path, postgres_server, database
):
    own = OwnRedis(tmp_path)
    house, elsewhere = House(database), LiveHub()
    here: Any = house.hub.live
    there: Any = elsewhere
    if trouble != "absent":
        own.start()
    relays = [
        Relay(RedisLine(own.url), live, database, spare=PostgresLine(postgres_server.url))
        for live in (here, elsewhere)
    ]
    for relay in relays:
        relay.start()
    payment_id, ref = await house.open()
    watcher = Watcher(payment_id)
    there.join(watcher)
    if trouble != "absent":
        await until_told(house, payment_id, watcher)
        watcher.seen.clear()
        (own.freeze if trouble == "frozen" else own.kill)()
    house.pays(ref)

    await until_told(house, payment_id, watcher)

    assert watcher.seen[-1].phase == "paid"
    for relay in relays:
        await relay.stop()
    own.kill()
