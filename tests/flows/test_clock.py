"""A clock that jumps: nothing hangs in the far future, and nothing expires by a clock in doubt."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import pytest

from tallystick.domain.clocks import GatewayClocks
from tallystick.domain.payment import Phase
from tallystick.flows import rescue
from tallystick.flows.schedule import SCHEDULE, plan
from tallystick.gateways.wire import HttpWire
from tallystick.store import clock_doubts, effects, idempotency, inbox, payments, schedules
from tallystick.system_clock import SystemClock
from tallystick.worker import Worker
from tests.store.rows import NOW

HOUR = timedelta(hours=1)
PATIENCE_S = 100


async def phase(house, payment_id):
    """Where it stands."""
    return (await house.database.read(lambda tx: payments.find(tx, payment_id))).phase


async def test_a_clock_that_was_set_back_leaves_nothing_due_in_the_far_future(house):
    """Work that was held, timers and jobs of the old time; on PostgreSQL others may be at work."""
    database, hub = house.database, house.hub
    house.pass_time(hours=3)
    await plan(hub)
    payment_id, ref = await house.open()
    await house.notice(ref)
    now, until = house.clock.at, house.clock.at + timedelta(seconds=30)
    await database.write(lambda tx: effects.add(tx, "send_mail", "k", {}, now))
    await database.write(lambda tx: inbox.take_due(tx, now, until, 9))
    await database.write(lambda tx: effects.take_due(tx, now, until, 9))
    await database.write(lambda tx: schedules.hold(tx, "audit", "dead", now, until))
    await database.write(lambda tx: idempotency.claim(
        tx, "s", "k", fingerprint="f", payment_id=payment_id, held_until=until, now=now
    ))  # fmt: skip

    house.clock.at = back = NOW
    await plan(hub)
    await rescue.wake(hub, jumped=True)

    assert await database.read(inbox.next_due) == back
    assert await database.read(effects.next_due) == back
    assert await database.read(payments.next_due) == back
    planned = await database.read(schedules.planned)
    assert all(planned[name] <= back + job.every for name, job in SCHEDULE.items())
    later = back + timedelta(seconds=45)
    assert await database.write(lambda tx: schedules.hold(tx, "audit", "me", back, later))
    assert await database.write(lambda tx: idempotency.take_over(tx, "s", "k", back, later))


async def test_a_clock_that_was_set_back_while_the_server_was_down_is_noticed_at_its_start(house):
    house.pass_time(hours=3)
    _, ref = await house.open()
    await house.notice(ref)
    now = house.clock.at
    await house.database.write(lambda tx: inbox.take_due(tx, now, now + HOUR, 9))

    house.clock.at = NOW
    await rescue.wake(house.hub)

    assert await house.database.read(inbox.next_due) == NOW
    assert house.hub.why_nothing_expires(NOW) is not None


async def test_the_worker_sees_a_jump_by_itself_and_holds_expiry(house):
    worker = Worker(house.hub)
    await worker.start()
    await asyncio.sleep(0)

    def said(tx):
        return clock_doubts.said_since(tx, NOW - 2 * HOUR)

    house.clock.at -= HOUR
    async with asyncio.timeout(PATIENCE_S):
        while not (doubts := await house.database.read(said)):  # noqa: ASYNC110 - by the worker
            await asyncio.sleep(0.05)
    await worker.stop()

    assert doubts[0].holder == "test"
    assert house.hub.why_nothing_expires(house.clock.at) is not None


async def test_nothing_expires_until_a_gateways_clock_and_ours_agree(house):
    payment_id, _ = await house.open()
    house.pass_time(hours=25)
    now = house.clock.at

    house.hub.gateway_clocks.note("till.example", now - 24 * HOUR, now)
    await house.settle(payment_id)
    in_doubt = await phase(house, payment_id)
    house.hub.gateway_clocks.note("till.example", now - timedelta(seconds=3), now)
    await house.settle(payment_id)

    assert in_doubt is Phase.OPEN
    assert await phase(house, payment_id) is Phase.EXPIRED


async def test_after_a_jump_expiry_waits_for_a_fresh_answer(house):
    payment_id, _ = await house.open()
    house.pass_time(hours=25)
    clocks = house.hub.gateway_clocks
    clocks.note("till.example", house.clock.at, house.clock.at)
    clocks.forget()

    house.pass_time(minutes=5)
    await house.settle(payment_id)
    in_doubt = await phase(house, payment_id)
    clocks.note("till.example", house.clock.at, house.clock.at)
    await house.settle(payment_id)

    assert in_doubt is Phase.OPEN
    assert await phase(house, payment_id) is Phase.EXPIRED


def test_one_gateway_with_a_wrong_clock_is_outvoted_by_one_that_agrees():
    clocks = GatewayClocks()
    clocks.note("wrong.example", NOW - HOUR, NOW)
    alone = clocks.doubt(NOW)
    clocks.note("right.example", NOW, NOW)

    assert alone == "This machine and wrong.example differ by 3600 s."
    assert clocks.doubt(NOW) is None


def test_an_agreement_of_long_ago_outvotes_nobody():
    clocks = GatewayClocks()
    clocks.note("right.example", NOW, NOW)
    clocks.note("fresh.example", NOW - HOUR, NOW + HOUR)

    assert clocks.doubt(NOW + HOUR) is not None


@pytest.mark.parametrize(("header", "doubted"), [(True, True), (False, False)])
async def test_the_date_of_a_gateways_answer_is_held_against_our_clock(header, doubted):
    there = SystemClock().now() - HOUR
    date = f"Date: {format_datetime(there, usegmt=True)}\r\n" if header else "Date: soon\r\n"

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\n{date}Content-Length: 2\r\n\r\nok".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = HttpWire()
    await wire.send("GET", f"http://127.0.0.1:{port}/", headers={})
    await wire.close()
    server.close()

    assert (wire.clocks.doubt(SystemClock().now()) is not None) is doubted
    wire.clocks.forget()
    assert (wire.clocks.doubt(SystemClock().now()) is not None) is doubted
