"""The worker: runs whatever is due, as soon as it is due, until it is told to stop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from tallystick.flows import deliver
from tallystick.flows.effects import do_effects
from tallystick.flows.hub import Hub
from tallystick.flows.jobs import plan, run_due
from tallystick.flows.listen import begin, listen
from tallystick.flows.match import give_owners
from tallystick.flows.receive import handle_inbox
from tallystick.flows.rescue import ask_due, wake
from tallystick.flows.send_refund import tend_refunds
from tallystick.store import credits, inbox, jobs, payments, readings, refunds, schedules

LONGEST_NAP_S: Final = 0.5
# A round that takes longer, because a gateway does not answer, goes on beside the next one.
LONGEST_WAIT_S: Final = 0.2
MOST_AT_ONCE: Final = 16
# A round that waits for a slow endpoint must not keep the others waiting.
MOST_DELIVERIES: Final = 256
MOST_ROUNDS: Final = 50
JUMP: Final = timedelta(minutes=5)
HELD_AFTER_JUMP: Final = timedelta(minutes=1)

log = structlog.get_logger()
Work = Callable[[Hub], Awaitable[int]]
NextDue = Callable[[Connection], datetime | None]


@dataclass(slots=True)
class _Kind:
    """One kind of work, and the rounds of it that are under way."""

    work: Work
    next_due: NextDue
    at_once: int = MOST_AT_ONCE
    rounds: set[asyncio.Task[int]] = field(default_factory=set)


class Worker:
    """One loop for each kind of work, so that a slow gateway holds up nothing else."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._tasks: list[asyncio.Task[None]] = []
        self._kinds = (
            _Kind(handle_inbox, inbox.next_due),
            _Kind(listen, readings.next_due),
            _Kind(give_owners, credits.next_due),
            _Kind(do_effects, jobs.next_due),
            _Kind(deliver.deliver_events, deliver.next_due, at_once=MOST_DELIVERIES),
            _Kind(ask_due, payments.next_due),
            _Kind(tend_refunds, refunds.next_due),
            _Kind(run_due, schedules.next_due, at_once=1),
        )

    async def start(self) -> None:
        """Plan the jobs, take up what was left, and start the loops."""
        await plan(self._hub)
        await begin(self._hub)
        await wake(self._hub)
        loops = [self._work_forever(kind) for kind in self._kinds]
        self._tasks = [asyncio.create_task(loop) for loop in (*loops, self._watch_the_clock())]

    async def stop(self) -> None:
        """Stop the loops. What they held is due again for whoever comes next."""
        tasks = [*self._tasks, *(task for kind in self._kinds for task in kind.rounds)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def catch_up(self) -> int:
        """Do everything that is due now, until nothing is; how much there was."""
        done = 0
        for _ in range(MOST_ROUNDS):
            due = await self.next_due()
            if due is None or due > self._hub.now():
                break
            done += sum([await self._work(kind) for kind in self._kinds])
        return done

    async def next_due(self) -> datetime | None:
        """When the next piece of work is due."""
        kinds = self._kinds

        def body(tx: Connection) -> list[datetime]:
            return [at for kind in kinds if (at := kind.next_due(tx)) is not None]

        return min(await self._hub.database.read(body), default=None)

    async def _work(self, kind: _Kind) -> int:
        """One round, to its end, together with those that were under way."""
        did = await self._begin(kind)
        if kind.rounds:
            await asyncio.wait(kind.rounds)
        return did

    async def _begin(self, kind: _Kind) -> int:
        """Start a round of what is due; returns when it is over, or when it takes too long."""
        if len(kind.rounds) >= kind.at_once:
            await asyncio.wait(kind.rounds, return_when=asyncio.FIRST_COMPLETED)
        at = await self._hub.database.read(kind.next_due)
        if at is None or at > self._hub.now():
            return 0
        started = asyncio.create_task(self._round(kind))
        kind.rounds.add(started)
        started.add_done_callback(kind.rounds.discard)
        done, _ = await asyncio.wait({started}, timeout=LONGEST_WAIT_S)
        return started.result() if done else 1

    async def _round(self, kind: _Kind) -> int:
        try:
            return await kind.work(self._hub)
        except Exception:
            log.exception("worker_failed", work=kind.work.__name__)
            return 0

    async def _work_forever(self, kind: _Kind) -> None:
        bell = self._hub.bell.listener()
        while True:
            bell.clear()
            try:
                did = await self._begin(kind)
            except Exception:
                log.exception("worker_failed", work=kind.work.__name__)
                did = 0
            if not did:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), LONGEST_NAP_S)

    async def _watch_the_clock(self) -> None:
        """A clock that jumps must not expire a batch: hold expiry, and ask everybody first."""
        loop = asyncio.get_running_loop()
        wall, steady = self._hub.clock.real_now(), loop.time()
        while True:
            await asyncio.sleep(1)
            now, ticks = self._hub.clock.real_now(), loop.time()
            jumped = abs((now - wall) - timedelta(seconds=ticks - steady))
            if jumped > JUMP:
                log.error("clock_jumped", by_s=jumped.total_seconds())
                self._hub.expiry_held_until = self._hub.now() + HELD_AFTER_JUMP
                await wake(self._hub)
            wall, steady = now, ticks
