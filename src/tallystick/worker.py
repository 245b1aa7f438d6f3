"""The worker: runs whatever is due, as soon as it is due, until it is told to stop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.errors import DatabaseUnavailable
from tallystick.flows import deliver, proof_chain, rescue, send_refund
from tallystick.flows.effects import do_effects
from tallystick.flows.hub import Hub
from tallystick.flows.listen import accounts_due, begin, listen_to
from tallystick.flows.match import give_owners
from tallystick.flows.receive import handle_inbox
from tallystick.flows.schedule import jobs_due, plan, run_due
from tallystick.store import clock_doubts, credits, effects, inbox, timers
from tallystick.store.lanes import for_work

LONGEST_NAP_S: Final = 0.5
# A round that takes longer, because a gateway does not answer, goes on beside the next one.
LONGEST_WAIT_S: Final = 0.2
MOST_AT_ONCE: Final = 16
# A round that waits for a slow endpoint must not keep the others waiting.
MOST_DELIVERIES: Final = 256
MOST_ROUNDS: Final = 50
JUMP: Final = timedelta(minutes=1)
LINKED_EVERY_S: Final = 1.0
_TICKS_TO_A_LOOK: Final = 60

log = structlog.get_logger()
Dues = Callable[[Connection, Hub], Mapping[str, datetime]]
Work = Callable[[Hub, str], Awaitable[int]]


@dataclass(slots=True, eq=False)
class _Kind:
    """One kind of work, by what it is done for: a gateway, a job, or all at once.

    `rounds` are those under way. A round for one gateway or job never waits for another's.
    """

    name: str
    dues: Dues
    work: Work
    at_once: int = MOST_AT_ONCE
    rounds: dict[str, set[asyncio.Task[int]]] = field(default_factory=dict)
    rests: dict[str, float] = field(default_factory=dict)

    def under_way(self) -> list[asyncio.Task[int]]:
        """All rounds that have not ended."""
        return [task for rounds in self.rounds.values() for task in rounds]

    def may_begin(self, what: str, clock_s: float) -> bool:
        """Whether another round of it has a place, and the last one found something to do."""
        return len(self.rounds.get(what, ())) < self.at_once and clock_s >= self.rests.get(what, 0)


def _whole(
    work: Callable[[Hub], Awaitable[int]],
    next_due: Callable[[Connection], datetime | None],
    at_once: int = MOST_AT_ONCE,
) -> _Kind:
    """Work that is not parted by gateways."""

    def dues(tx: Connection, _hub: Hub) -> dict[str, datetime]:
        at = next_due(tx)
        return {} if at is None else {"": at}

    return _Kind(work.__name__, dues, lambda hub, _: work(hub), at_once)


async def _one_ends(kind: _Kind, due: Sequence[str], patience_s: float) -> None:
    """Wait a moment for a place, where something is due and all its places are taken."""
    full = [kind.rounds[what] for what in due if len(kind.rounds.get(what, ())) >= kind.at_once]
    if full:
        tasks = set().union(*full)
        await asyncio.wait(tasks, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)


def _tell_of_waiting(error: DatabaseUnavailable, work: str) -> None:
    """A database that is away is no defect of ours: one line, and it is tried again."""
    log.error("worker_waits_for_the_database", work=work, why=error.detail)


class Worker:
    """One loop for each kind of work, so that a slow gateway holds up nothing else."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._tasks: list[asyncio.Task[None]] = []
        self._doubt: str | None = None
        self._kinds = (
            _whole(handle_inbox, inbox.next_due),
            _Kind("listen", accounts_due, listen_to, at_once=1),
            _whole(give_owners, credits.next_due),
            _whole(do_effects, effects.next_due),
            _whole(deliver.deliver_events, deliver.next_due, at_once=MOST_DELIVERIES),
            _Kind("ask_due", rescue.lines_due, rescue.ask_due),
            _Kind("tend_refunds", send_refund.lines_due, send_refund.tend_line),
            _Kind("run_due", jobs_due, run_due, at_once=1),
        )

    async def start(self) -> None:
        """Plan the jobs, take up what was left, and start the loops."""
        await plan(self._hub)
        await begin(self._hub)
        await proof_chain.begin(self._hub)
        await rescue.wake(self._hub)
        loops = [self._work_forever(kind) for kind in self._kinds]
        loops += [self._watch_the_clock(), self._link_the_proof()]
        self._tasks = [asyncio.create_task(loop, context=for_work()) for loop in loops]

    async def stop(self) -> None:
        """Stop the loops. What they held is due again for whoever comes next."""
        tasks = [*self._tasks, *(task for kind in self._kinds for task in kind.under_way())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def catch_up(self) -> int:
        """Do everything that is due now, until nothing is; how much there was."""
        done = 0
        for _ in range(MOST_ROUNDS):
            now = self._hub.now()
            due = {kind for kind, at in (await self._dues()).items() if at <= now}
            if not due:
                break
            going_on = [kind for kind in self._kinds if kind in due or kind.under_way()]
            done += sum([await self._work(kind) for kind in going_on])
        return done

    async def next_due(self) -> datetime | None:
        """When the next piece of work is due."""
        return min((await self._dues()).values(), default=None)

    async def _dues(self) -> dict[_Kind, datetime]:
        """When each kind of work is due next, where it is at all."""
        kinds, hub = self._kinds, self._hub

        def body(tx: Connection) -> dict[_Kind, datetime]:
            found = {kind: kind.dues(tx, hub).values() for kind in kinds}
            return {kind: min(dues) for kind, dues in found.items() if dues}

        return await hub.database.read(body)

    async def _work(self, kind: _Kind) -> int:
        """One round, to its end, together with those that were under way."""
        kind.rests.clear()
        did, _ = await self._begin(kind)
        under_way = kind.under_way()
        if under_way:
            await asyncio.wait(under_way)
        return did

    async def _begin(self, kind: _Kind) -> tuple[int, float]:
        """Start a round of each thing that is due; how much was done, and how long to nap then.

        Returns when they are over, or when one takes too long.
        """
        hub, clock_s = self._hub, asyncio.get_running_loop().time()
        dues = await hub.database.read(lambda tx: kind.dues(tx, hub))
        now = hub.now()
        waits = [(at - now).total_seconds() for at in dues.values() if at > now]
        nap_s = min([LONGEST_NAP_S, *waits])
        begun = {
            self._round(kind, what)
            for what, at in dues.items()
            if at <= now and kind.may_begin(what, clock_s)
        }
        if not begun:
            await _one_ends(kind, [what for what, at in dues.items() if at <= now], nap_s)
            return 0, nap_s
        done, slow = await asyncio.wait(begun, timeout=LONGEST_WAIT_S)
        return sum(task.result() for task in done) + len(slow), nap_s

    def _round(self, kind: _Kind, what: str) -> asyncio.Task[int]:
        """Begin one round; it is counted until it ends."""
        started = asyncio.create_task(self._run(kind, what))
        rounds = kind.rounds.setdefault(what, set())
        rounds.add(started)
        started.add_done_callback(rounds.discard)
        return started

    async def _run(self, kind: _Kind, what: str) -> int:
        did = 0
        try:
            did = await kind.work(self._hub, what)
        except DatabaseUnavailable as error:
            _tell_of_waiting(error, kind.name)
        except Exception:
            log.exception("worker_failed", work=kind.name, what=what)
        if not did:
            # Somebody else is at it: looked at again after a nap, and not at once.
            kind.rests[what] = asyncio.get_running_loop().time() + LONGEST_NAP_S
        return did

    async def _work_forever(self, kind: _Kind) -> None:
        work_signal = self._hub.work_signal.listener()
        while True:
            work_signal.clear()
            try:
                did, nap_s = await self._begin(kind)
            except DatabaseUnavailable as error:
                _tell_of_waiting(error, kind.name)
                did, nap_s = 0, LONGEST_NAP_S
            except Exception:
                log.exception("worker_failed", work=kind.name)
                did, nap_s = 0, LONGEST_NAP_S
            if not did:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(work_signal.wait(), nap_s)
                    kind.rests.clear()

    async def _watch_the_clock(self) -> None:
        """A clock that jumps must not expire a batch: hold expiry, and ask everybody first.

        What a clock that was set back left in the far future is made due, at once where the jump
        was seen, and once a minute for jumps in another process or between two starts.
        """
        hub, loop, ticks = self._hub, asyncio.get_running_loop(), 0
        wall, steady = hub.clock.real_now(), loop.time()
        while True:
            await asyncio.sleep(1)
            ticks += 1
            now, passed_s = hub.clock.real_now(), loop.time() - steady
            jumped = abs((now - wall) - timedelta(seconds=passed_s))
            wall, steady = now, loop.time()
            try:
                if jumped > JUMP:
                    await self._clock_jumped(jumped)
                await self._note_doubt(again=not ticks % _TICKS_TO_A_LOOK)
                if not ticks % _TICKS_TO_A_LOOK:
                    await hub.database.write(lambda tx: timers.pull_back(tx, hub.now()))
            except DatabaseUnavailable as error:
                _tell_of_waiting(error, "watch_the_clock")
            except Exception:
                log.exception("worker_failed", work="watch_the_clock")

    async def _link_the_proof(self) -> None:
        """What was committed is linked a moment later, so that no settling waits for it."""
        while True:
            try:
                await proof_chain.extend(self._hub)
            except Exception:
                log.exception("worker_failed", work="link_the_proof")
            await asyncio.sleep(LINKED_EVERY_S)

    async def _note_doubt(self, *, again: bool) -> None:
        """Let `tallystick doctor` say why nothing expires; written when it changes, and `again`."""
        hub, now = self._hub, self._hub.now()
        why = hub.why_nothing_expires(now)
        if why != self._doubt or (again and why is not None):
            await hub.database.write(lambda tx: clock_doubts.note(tx, hub.holder, why, now))
            self._doubt = why

    async def _clock_jumped(self, by: timedelta) -> None:
        log.error("clock_jumped", by_s=by.total_seconds())
        await plan(self._hub)
        await rescue.wake(self._hub, jumped=True)
        self._hub.work_signal.ring()
