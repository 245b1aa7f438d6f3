"""The named jobs: what runs when, by one holder at a time, with a history."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, HubError, NotConfigured, NotFound, StillRunning
from tallystick.domain.ids import new_id
from tallystick.flows.audit import audit_job
from tallystick.flows.deliver import deliver_events
from tallystick.flows.dispute import read_disputes
from tallystick.flows.effects import do_effects
from tallystick.flows.expire import expire_overdue
from tallystick.flows.extensions import Extensions, ScheduledJob
from tallystick.flows.hub import Hub
from tallystick.flows.listen import listen_to_all
from tallystick.flows.rates import refresh
from tallystick.flows.receive import handle_inbox
from tallystick.flows.reconcile import reconcile_job
from tallystick.flows.rescue import ask_due, free_stuck
from tallystick.flows.send_refund import tend_refunds
from tallystick.flows.tidy import tidy
from tallystick.store import questions, schedules
from tallystick.store.schedules import Run, Standing, Stats

__all__ = ["Run", "Stats"]

LEASE: Final = timedelta(seconds=45)
RENEWED_EVERY_S: Final = 15.0
SHOWN: Final = 20
MOST_ASKED: Final = 1000

log = structlog.get_logger()


async def _poll_gateways(hub: Hub) -> dict[str, Any]:
    # The gateways side by side, and all that is due: the audit relies on it.
    lines = await hub.database.read(questions.lines)
    asked = await asyncio.gather(*(_ask_all(hub, line) for line in lines))
    return {"asked": sum(asked)}


async def _ask_all(hub: Hub, line: str) -> int:
    """Until nothing is due, no token is left, or no answer comes."""
    asked = did = await ask_due(hub, line)
    while did and asked < MOST_ASKED and not hub.circuit(line).silent:
        asked += (did := await ask_due(hub, line))
    return asked


async def _retry_inbox(hub: Hub) -> dict[str, Any]:
    return {"handled": await handle_inbox(hub)}


async def _deliver(hub: Hub) -> dict[str, Any]:
    return {"done": await do_effects(hub), "delivered": await deliver_events(hub)}


async def _send_refunds(hub: Hub) -> dict[str, Any]:
    return {"tended": await tend_refunds(hub)}


SCHEDULE: Final[Mapping[str, ScheduledJob]] = {
    "expired-links": ScheduledJob(timedelta(minutes=5), expire_overdue),
    "stuck-payments": ScheduledJob(timedelta(minutes=15), free_stuck),
    "poll-gateways": ScheduledJob(timedelta(minutes=5), _poll_gateways, quiet=True),
    "read-statements": ScheduledJob(timedelta(minutes=5), listen_to_all, quiet=True),
    "read-disputes": ScheduledJob(timedelta(hours=1), read_disputes, quiet=True),
    "retry-inbox": ScheduledJob(timedelta(minutes=5), _retry_inbox, quiet=True),
    "deliver-events": ScheduledJob(timedelta(minutes=5), _deliver, quiet=True),
    "refresh-rates": ScheduledJob(timedelta(minutes=30), refresh),
    "send-refunds": ScheduledJob(timedelta(minutes=5), _send_refunds, quiet=True),
    "audit": ScheduledJob(timedelta(days=1), audit_job),
    "reconcile": ScheduledJob(timedelta(days=1), reconcile_job),
    "tidy": ScheduledJob(timedelta(days=1), tidy),
}
"""The core's own jobs; products add theirs."""


def schedule_of(hub: Hub) -> Mapping[str, ScheduledJob]:
    """Every job by its name."""
    return {**SCHEDULE, **hub.extensions.jobs}


@dataclass(frozen=True, slots=True)
class Fared:
    """How a job stands and has fared, with its latest runs. One that is off has `enabled` False."""

    name: str
    job: ScheduledJob
    enabled: bool
    running: bool
    last_run_at: datetime | None
    next_run_at: datetime | None
    stats: Stats
    runs: list[Run]


def refuse_unknown(names: Sequence[str], extensions: Extensions) -> None:
    """Jobs that are switched off have to exist. Raises NotConfigured, which names those there are.

    Asked at the start, so that a job that somebody believes to be off is not run all the same.
    """
    known = (*SCHEDULE, *extensions.jobs)
    for name in names:
        if name not in known:
            raise NotConfigured(
                f"TALLYSTICK_JOBS_OFF: there is no job {name[:40]!r}; there are {', '.join(known)}."
            )


async def plan(hub: Hub) -> None:
    """Make sure that every job has its row, and that days begin where they should; at the start.

    A job that a clock which was set back has left in the far future comes in its own time again.
    """
    now = hub.now()

    def body(tx: Connection) -> None:
        for name, job in schedule_of(hub).items():
            schedules.ensure(tx, name, now + job.every)
            schedules.not_after(tx, name, now + job.every)

    await hub.database.write(body)
    for begin in hub.extensions.at_start:
        await begin(hub)
    if hub.settings.jobs_off:
        log.warning("jobs_off", jobs=sorted(set(hub.settings.jobs_off)))


def jobs_due(tx: Connection, hub: Hub) -> dict[str, datetime]:
    """When each job of the schedule is due that is not switched off."""
    on = schedule_of(hub).keys() - set(hub.settings.jobs_off)
    return {name: at for name, at in schedules.planned(tx).items() if name in on}


async def run_due(hub: Hub, name: str) -> int:
    """Run a job whose time has come; 0 where another holder is at it."""
    try:
        await run(hub, name, scheduled=True)
    except StillRunning:
        return 0
    return 1


async def run(hub: Hub, name: str, *, scheduled: bool = False) -> Run:
    """Run a job now.

    Raises NotFound, Conflict where it is switched off, StillRunning where another holder is at it.
    """
    job = _known(hub, name)
    if name in hub.settings.jobs_off:
        raise Conflict(
            f"The job {name} is switched off: take it out of TALLYSTICK_JOBS_OFF, and start again."
        )
    holder = new_id("run", hub.clock.real_now())
    await _hold(hub, name, holder)
    renewing = asyncio.create_task(_keep_holding(hub, name, holder))
    loop = asyncio.get_running_loop()
    started_at, started = hub.now(), loop.time()
    result: dict[str, Any] = {}
    error: str | None = None
    try:
        result = await job.work(hub)
    except HubError as failure:
        log.error("job_failed", job=name, why=failure.detail)
        error = f"{type(failure).__name__}: {failure}"
    except Exception as failure:
        log.exception("job_failed", job=name)
        error = f"{type(failure).__name__}: {failure}"
    finally:
        renewing.cancel()
    done = Run(
        started_at=started_at,
        ended_at=hub.now(),
        duration_us=int((loop.time() - started) * 1_000_000),
        success=error is None,
        result=result,
        error=error,
    )
    told = not (scheduled and job.quiet and done.success and not any(result.values()))
    await hub.database.write(lambda tx: _finish(tx, name, holder, done, job, told=told))
    if told:
        log.info("job", job=name, success=done.success, ms=done.duration_us / 1000, result=result)
    return done


async def history(hub: Hub, name: str) -> Fared:
    """How a job has fared, with its last runs. Raises NotFound."""
    _known(hub, name)

    def body(tx: Connection) -> Fared:
        return _fared(tx, hub, name, schedules.standings(tx).get(name), SHOWN)

    return await hub.database.read(body)


async def histories(hub: Hub) -> list[Fared]:
    """How each job has fared, with its last run, in the order of the schedule."""

    def body(tx: Connection) -> list[Fared]:
        standings = schedules.standings(tx)
        return [_fared(tx, hub, name, standings.get(name), 1) for name in schedule_of(hub)]

    return await hub.database.read(body)


def _known(hub: Hub, name: str) -> ScheduledJob:
    known = schedule_of(hub)
    job = known.get(name)
    if job is None:
        raise NotFound(f"There is no job {name[:40]!r}; there are {', '.join(known)}.")
    return job


def _fared(tx: Connection, hub: Hub, name: str, standing: Standing | None, shown: int) -> Fared:
    """Where no process that runs jobs was ever started, there is no standing."""
    enabled = name not in hub.settings.jobs_off
    return Fared(
        name=name,
        job=schedule_of(hub)[name],
        enabled=enabled,
        running=standing is not None and standing.held(hub.clock.real_now()),
        last_run_at=standing.last_run_at if standing else None,
        next_run_at=standing.next_run_at if standing and enabled else None,
        stats=schedules.stats(tx, name),
        runs=schedules.recent(tx, name, shown),
    )


async def _hold(hub: Hub, name: str, holder: str) -> None:
    now, real_now = hub.now(), hub.clock.real_now()

    def body(tx: Connection) -> bool:
        schedules.ensure(tx, name, now)
        return schedules.hold(tx, name, holder, real_now, real_now + LEASE)

    if not await hub.database.write(body):
        raise StillRunning(f"The job {name} is running already.", retry_after_s=5)


async def _keep_holding(hub: Hub, name: str, holder: str) -> None:
    while True:
        await asyncio.sleep(RENEWED_EVERY_S)
        await hub.database.write(partial(_renew, name, holder, hub.clock.real_now()))


def _renew(name: str, holder: str, real_now: datetime, tx: Connection) -> bool:
    return schedules.hold(tx, name, holder, real_now, real_now + LEASE)


def _finish(
    tx: Connection, name: str, holder: str, done: Run, job: ScheduledJob, *, told: bool
) -> None:
    if told:
        schedules.record(tx, name, done)
    schedules.release(tx, name, holder, done.ended_at, done.ended_at + job.every)
