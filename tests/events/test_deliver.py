"""Deliveries: signed, in order for each payment, again and again for three days, then given up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tallystick.domain.schedule import MOST_DELIVERY_TRIES
from tallystick.domain.standard_webhooks import check, decoded_key
from tallystick.flows import endpoints
from tallystick.flows.deliver import AT_ONCE, deliver_events, next_due
from tallystick.flows.endpoints import Wanted
from tallystick.flows.feed import find, log, resend, resend_since
from tallystick.flows.rescue import wake
from tallystick.store import deliveries
from tests.events.receiver import HANG, Receiver, answers, receiving
from tests.store.house import House


async def endpoint(house: House, url: str, *patterns: str) -> str:
    """A merchant's endpoint; its id."""
    made, _ = await endpoint_and_key(house, url, *patterns)
    return made


async def endpoint_and_key(house: House, url: str, *patterns: str) -> tuple[str, bytes]:
    """The same, and the key that its deliveries are signed with."""
    wanted = Wanted(url, patterns or ("*",))
    made, secret = await endpoints.create(house.hub, wanted)
    key = decoded_key(secret)
    assert key is not None
    return made.id, key


async def paid(house: House) -> str:
    """A payment that was opened and paid; its id."""
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.settle(payment_id)
    return payment_id


async def deliver_all(house: House) -> None:
    """Everything that is due now."""
    while await deliver_events(house.hub):
        pass


async def log_of(house: House, made: str) -> list[deliveries.Delivery]:
    """The log of an endpoint, the oldest first."""
    found = await log(house.hub, made, state=None, span=(None, None), after=None, limit=200)
    return sorted(found.deliveries, key=lambda one: one.seq)


async def test_a_delivery_is_signed_as_standard_webhooks_say(house, receiver):
    _, key = await endpoint_and_key(house, receiver.url)
    payment_id = await paid(house)

    await deliver_all(house)

    assert receiver.types() == ["payment.opened", "payment.paid"]
    came = receiver.accepted[1]
    assert set(came.event) == {"type", "timestamp", "data"}
    assert came.subject == payment_id
    assert check(came.headers, came.body, [key], house.hub.clock.real_now()) == came.id
    assert came.id.startswith("evt_")


async def test_an_endpoint_gets_what_it_wants_and_nothing_from_before_it_was_made(house, receiver):
    await paid(house)
    await deliver_all(house)
    await endpoint(house, receiver.url, "payment.paid")

    await paid(house)
    await deliver_all(house)

    assert receiver.types() == ["payment.paid"]


async def test_a_failure_is_repeated_with_the_same_id_and_in_order(house, receiver):
    receiver.answer = answers(500, 302)
    made = await endpoint(house, receiver.url)
    await paid(house)

    await deliver_all(house)
    assert [one.type for one in receiver.came] == ["payment.opened"]
    house.pass_time(seconds=6)
    await deliver_all(house)
    house.pass_time(minutes=6)
    await deliver_all(house)

    assert [one.type for one in receiver.came] == [*["payment.opened"] * 3, "payment.paid"]
    assert len({one.id for one in receiver.came}) == 2
    first, second = await log_of(house, made)
    assert (first.state, first.tries, first.last_status) == ("delivered", 3, 200)
    assert (second.state, second.tries) == ("delivered", 1)


async def test_other_payments_go_on_while_one_is_stuck(house, receiver):
    await endpoint(house, receiver.url, "payment.*")
    stuck, other = await paid(house), await paid(house)
    receiver.answer = lambda came: 500 if came.subject == stuck else 200

    await deliver_all(house)

    assert [(one.subject, one.type) for one in receiver.accepted] == [
        (other, "payment.opened"), (other, "payment.paid"),
    ]  # fmt: skip
    assert [one.type for one in receiver.came if one.subject == stuck] == ["payment.opened"]


async def test_three_days_of_failures_are_ten_tries_and_then_a_dead_delivery(house, receiver):
    receiver.answer = lambda came: 200 if came.type == "payment.expired" else 503
    made = await endpoint(house, receiver.url)
    await paid(house)
    gaps = await tries_of(house, receiver, "payment.opened")

    wanted = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert len(gaps) == MOST_DELIVERY_TRIES - 1
    assert all(table <= gap <= table * 1.11 for table, gap in zip(wanted, gaps, strict=True))
    assert timedelta(days=3) < timedelta(seconds=sum(gaps)) < timedelta(days=4)
    first = (await log_of(house, made))[0]
    assert (first.state, first.tries, first.last_status) == ("dead", 10, 503)


async def tries_of(house: House, receiver: Receiver, kind: str) -> list[float]:
    """Let time pass from one due delivery to the next until nothing is; the gaps in seconds."""
    moments, seen = [], 0
    while True:
        await deliver_all(house)
        count = sum(one.type == kind for one in receiver.came)
        if count > seen:
            seen = count
            moments.append(house.clock.at)
        due = await house.database.read(next_due)
        if due is None:
            break
        house.clock.at = max(due, house.clock.at)
    return [(after - before).total_seconds() for before, after in zip(moments, moments[1:])]  # noqa: B905,RUF007


async def test_an_endpoint_that_fails_for_days_is_disabled_and_a_success_would_have_saved_it(house):
    with receiving(lambda _: 500) as bad, receiving() as good:
        failing, fine = await endpoint(house, bad.url), await endpoint(house, good.url)
        await paid(house)
        await tries_of(house, bad, "payment.opened")

        off = await endpoints.find(house.hub, failing)
        assert off.state == "disabled"
        assert "Every delivery has failed since" in str(off.disabled_reason)
        assert {one.state for one in await log_of(house, failing)} == {"dead"}
        assert (await endpoints.find(house.hub, fine)).failing_since is None
        await paid(house)
        await deliver_all(house)
        assert len(await log_of(house, failing)) == 2
        assert len(await log_of(house, fine)) == 4


async def test_410_gone_disables_the_endpoint_at_once(house, receiver):
    receiver.answer = answers(410)
    made = await endpoint(house, receiver.url)
    await paid(house)

    await deliver_all(house)

    off = await endpoints.find(house.hub, made)
    assert (off.state, len(receiver.came)) == ("disabled", 1)
    assert {one.state for one in await log_of(house, made)} == {"dead"}
    assert await house.database.read(next_due) is None


async def test_an_endpoint_that_is_enabled_again_gets_what_happens_from_then_on(house, receiver):
    made = await endpoint(house, receiver.url)
    await endpoints.change(house.hub, made, {"disabled": True})
    await paid(house)
    await deliver_all(house)
    await endpoints.change(house.hub, made, {"disabled": False})

    then = await paid(house)
    await deliver_all(house)

    assert {one.subject for one in receiver.came} == {then}


async def test_a_rotation_signs_with_both_secrets_until_it_is_over(house, receiver):
    made, old = await endpoint_and_key(house, receiver.url, "payment.opened")
    _, secret = await endpoints.rotate(house.hub, made, timedelta(hours=1))
    new = decoded_key(secret)
    await house.open()
    await deliver_all(house)
    house.pass_time(hours=1)
    await house.open()
    await deliver_all(house)

    during, after = receiver.accepted
    assert [during.is_signed_with(key) for key in (old, new)] == [True, True]
    assert [after.is_signed_with(key) for key in (old, new)] == [False, True]


async def test_a_slow_endpoint_keeps_no_other_waiting_and_is_not_flooded(house, receiver):
    with receiving(lambda _: HANG) as slow:
        await endpoint(house, slow.url, "payment.opened")
        await endpoint(house, receiver.url, "payment.opened")
        for _ in range(AT_ONCE + 5):
            await house.open()

        rounds = set[asyncio.Task[int]]()
        while len(receiver.accepted) < AT_ONCE + 5:
            rounds.add(asyncio.create_task(deliver_events(house.hub)))
            await asyncio.wait(rounds, timeout=0.05)
        assert 0 < len(slow.came) <= AT_ONCE
        slow.over.set()
        await asyncio.gather(*rounds)

    assert house.hub.sending.total() == 0


async def test_what_a_dead_process_held_is_delivered_once_it_is_let_go(house, receiver):
    made = await endpoint(house, receiver.url, "payment.opened")
    await house.open()
    held = await take(house)
    assert await deliver_events(house.hub) == 0

    if house.database.dialect == "sqlite":
        await wake(house.hub)
    else:
        house.pass_time(seconds=61)
    await deliver_all(house)

    assert [one.id for one in receiver.accepted] == [one.event_id for one in held]
    (only,) = await log_of(house, made)
    assert (only.state, only.tries) == ("delivered", 2)


async def take(house: House) -> list[deliveries.Due]:
    """What a process does right before it dies."""
    from tallystick.flows.number_events import publish

    await publish(house.hub)
    now = house.clock.at
    until = now + timedelta(seconds=60)
    return await house.database.write(lambda tx: deliveries.take_due(tx, {}, now, until, 20))


async def test_two_workers_that_finish_at_once_wake_every_successor(house, receiver):
    await endpoint(house, receiver.url)
    payments = [await paid(house) for _ in range(6)]

    while len(receiver.accepted) < 2 * len(payments):
        await asyncio.gather(*(deliver_events(house.hub) for _ in range(3)))

    for payment in payments:
        own = [one.type for one in receiver.accepted if one.subject == payment]
        assert own == ["payment.opened", "payment.paid"]


async def test_one_event_is_sent_again_to_whoever_wants_it(house, receiver):
    with receiving() as other:
        await endpoint(house, receiver.url)
        await endpoint(house, other.url, "refund.*")
        await house.open()
        await deliver_all(house)
        (first,) = receiver.accepted

        assert await resend(house.hub, first.id, None) == 1
        await deliver_all(house)

        assert [one.id for one in receiver.accepted] == [first.id, first.id]
        assert other.came == []
        event, found = await find(house.hub, first.id)
        assert (event.id, len(found.deliveries)) == (first.id, 1)
        assert [one.status for tries in found.attempts.values() for one in tries] == [200, 200]


async def test_all_since_a_time_is_sent_to_an_endpoint_that_was_made_later(house, receiver):
    await paid(house)
    house.pass_time(hours=1)
    since = house.clock.at
    late = await paid(house)
    made = await endpoint(house, receiver.url, "payment.*")

    assert await resend_since(house.hub, since, made) == 2
    await deliver_all(house)

    assert [(one.subject, one.type) for one in receiver.accepted] == [
        (late, "payment.opened"), (late, "payment.paid"),
    ]  # fmt: skip


@pytest.mark.parametrize("said", ["time-out", "refused", "private"])
async def test_what_never_answers_is_noted_in_words(house, receiver, said, monkeypatch):
    monkeypatch.setattr("tallystick.flows.deliver.TIMEOUT_S", 0.3)
    receiver.answer = lambda _: HANG
    made = await endpoint(house, receiver.url if said != "refused" else "http://127.0.0.1:9/")
    house.hub.sandbox = said != "private"
    await house.open()

    await deliver_all(house)

    (only,) = await log_of(house, made)
    words = {"time-out": "did not answer", "refused": "not answered", "private": "https"}
    assert (only.state, only.last_status) == ("waiting", None)
    assert words[said] in str(only.error)
    receiver.over.set()
