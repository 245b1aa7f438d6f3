"""One stream by itself: what it writes, and what it must never write."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tallystick.domain.payment import AmountState, Phase
from tallystick.domain.snapshot import Snapshot
from tallystick.live.hub import LiveHub
from tallystick.web.sse_stream import HEARTBEAT, Keeper, Stream
from tests.web.samples import NOW, OPEN

PAID = replace(
    OPEN, phase=Phase.PAID, amount_state=AmountState.EXACT, received_minor=150_000, paid_at=NOW,
    version=OPEN.version + 1,
)  # fmt: skip


class Line:
    """The server's side of a connection, as strict as the server that we run on."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.over = False
        self.full = False
        self.cut = False
        self.closed, self.beaten = asyncio.Event(), asyncio.Event()
        self.transport = self

    def abort(self) -> None:
        """Cut the line, whatever is still on its way."""
        self.cut = True
        self.closed.set()

    async def send(self, message: Any) -> None:
        """Take one message; a full line waits for its reader."""
        assert not self.over, "something was sent after the end"
        if message["type"] == "http.response.start":
            return
        assert message["type"] == "http.response.body"
        if self.full:
            await asyncio.Event().wait()
        self.sent.append(message["body"])
        if message["body"] == HEARTBEAT:
            self.beaten.set()
        self.over = not message["more_body"]
        if self.over:
            self.closed.set()

    async def receive(self) -> dict:
        """What the client says: nothing, until the line is closed."""
        await self.closed.wait()
        return {"type": "http.disconnect"}


@pytest.fixture
def line() -> Line:
    """An open connection."""
    return Line()


def stream_on(line: Line, first: Snapshot = OPEN, **words) -> Stream:
    """A stream of the sample payment."""
    words = {"last_seen": 0, "life_s": 600.0, **words}
    return Stream(line.send, first, "client", frame, **words)


def frame(snapshot) -> bytes:
    """One event in the fewest bytes."""
    return b"id: %d\n\n" % snapshot.version


async def test_a_stream_that_was_ended_before_it_began_says_nothing_more(line):
    stream = stream_on(line)
    stream.end()

    await stream.run(line.receive)

    assert line.sent == [b""]
    assert line.over


async def test_no_heartbeat_follows_the_end(line):
    stream = stream_on(line)
    running = asyncio.create_task(stream.run(line.receive))
    await asyncio.sleep(0)

    stream.show(PAID, frame(PAID))
    stream.beat()
    await running

    assert line.sent == [frame(OPEN), frame(PAID), b""]


async def test_one_stream_that_ends_does_not_stop_the_heartbeats_of_the_others(line):
    live, other = LiveHub(), Line()
    ended, kept = stream_on(line), stream_on(other)
    tasks = [asyncio.create_task(ended.run(line.receive)),
             asyncio.create_task(kept.run(other.receive))]  # fmt: skip
    live.join(ended)
    live.join(kept)
    await asyncio.sleep(0)
    ended.end()

    keeper = Keeper(live, heartbeat_s=0.01)
    keeper.start()
    await other.beaten.wait()

    await keeper.stop()
    await asyncio.gather(*tasks)
    assert HEARTBEAT not in line.sent


async def test_a_change_between_reading_and_watching_is_not_lost(line):
    stream = stream_on(line)
    stream.show(PAID, frame(PAID))

    await stream.run(line.receive)

    assert line.sent == [frame(PAID), b""]


async def test_an_older_state_never_follows_a_newer_one(line):
    stream = stream_on(line, replace(OPEN, version=7))
    running = asyncio.create_task(stream.run(line.receive))
    await asyncio.sleep(0)

    stream.show(replace(OPEN, version=6), b"older")
    stream.show(replace(OPEN, version=7), b"the same")
    stream.end()
    await running

    assert line.sent == [b"id: 7\n\n", b""]


async def test_a_reader_who_is_too_slow_is_dropped_and_nobody_waits(line):
    stream = stream_on(line)
    running = asyncio.create_task(stream.run(line.receive))
    await asyncio.sleep(0)
    line.full = True

    stream.show(PAID, frame(PAID))
    stream.beat()
    await running

    assert line.sent == [frame(OPEN)]
    assert line.cut


async def test_a_keeper_ends_what_has_lived_long_enough(line):
    live = LiveHub()
    stream = stream_on(line, life_s=0.0)
    live.join(stream)
    keeper = Keeper(live, heartbeat_s=0.01)
    keeper.start()

    await stream.run(line.receive)

    assert line.sent[-1] == b""
    await keeper.stop()


async def test_a_server_that_stops_says_so_where_the_stream_has_words_for_it(line):
    other = Line()
    stream, plain = stream_on(line), stream_on(other)
    stream.farewell = b"event: error\n\n"
    tasks = [asyncio.create_task(stream.run(line.receive)),
             asyncio.create_task(plain.run(other.receive))]  # fmt: skip
    await asyncio.sleep(0)

    stream.stop()
    plain.stop()
    await asyncio.gather(*tasks)

    assert line.sent == [frame(OPEN), b"event: error\n\n", b""]
    assert other.sent == [frame(OPEN), b""]
