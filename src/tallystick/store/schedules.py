"""Named jobs that run on a schedule: one holder at a time, and a history of every run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Float, bindparam, case, cast, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.ids import new_id
from tallystick.store.schema.core import job_runs, schedules

NEVER_HELD_FOR: Final = timedelta(minutes=2)
_ENSURE = {
    "sqlite": sqlite_insert(schedules).on_conflict_do_nothing(),
    "postgresql": pg_insert(schedules).on_conflict_do_nothing(),
}
_HOLD = (
    update(schedules)
    .where(
        schedules.c.name == bindparam("of_name"),
        or_(
            schedules.c.held_until.is_(None),
            schedules.c.held_until <= bindparam("real_now"),
            # Nobody holds for so long: it was written by a clock that was set back.
            schedules.c.held_until > bindparam("beyond"),
            schedules.c.holder == bindparam("holder"),
        ),
    )
    .values(holder=bindparam("holder"), held_until=bindparam("until"))
)
_RELEASE = (
    update(schedules)
    .where(schedules.c.name == bindparam("of_name"), schedules.c.holder == bindparam("of_holder"))
    .values(
        holder=None,
        held_until=None,
        last_run_at=bindparam("now"),
        next_run_at=bindparam("next_run_at"),
    )
)
_NOT_AFTER = (
    update(schedules)
    .where(schedules.c.name == bindparam("of_name"), schedules.c.next_run_at > bindparam("latest"))
    .values(next_run_at=bindparam("latest"))
)
_PLAN = select(schedules.c.name, schedules.c.next_run_at)
_STANDINGS = select(
    schedules.c.name, schedules.c.next_run_at, schedules.c.last_run_at, schedules.c.held_until
)
_DUE = select(schedules.c.name).where(schedules.c.next_run_at <= bindparam("now"))
_NEXT_DUE = select(func.min(schedules.c.next_run_at, type_=schedules.c.next_run_at.type))


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a named job."""

    started_at: datetime
    ended_at: datetime
    duration_us: int
    success: bool
    result: dict[str, Any]
    error: str | None


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts over the kept history."""

    total: int
    succeeded: int
    average_us: float


@dataclass(frozen=True, slots=True)
class Standing:
    """When a job ran last, when it runs next, and how long its holder holds it (in real time)."""

    next_run_at: datetime
    last_run_at: datetime | None
    held_until: datetime | None

    def held(self, real_now: datetime) -> bool:
        """Whether somebody is at it now."""
        return self.held_until is not None and self.held_until > real_now


def ensure(tx: Connection, name: str, next_run_at: datetime) -> None:
    """Make the row of a schedule, if it is not there."""
    tx.execute(_ENSURE[tx.dialect.name], {"name": name, "next_run_at": next_run_at})


def hold(tx: Connection, name: str, holder: str, real_now: datetime, until: datetime) -> bool:
    """Take or renew the lease of a job; False where somebody else holds it.

    Leases are kept in real time, also where a virtual clock drives everything else.
    """
    values = {"of_name": name, "holder": holder, "real_now": real_now, "until": until,
              "beyond": real_now + NEVER_HELD_FOR}  # fmt: skip
    return tx.execute(_HOLD, values).rowcount == 1


def release(tx: Connection, name: str, holder: str, now: datetime, next_run_at: datetime) -> None:
    """Let go after a run and set the next one."""
    tx.execute(
        _RELEASE, {"of_name": name, "of_holder": holder, "now": now, "next_run_at": next_run_at}
    )


def let_go(tx: Connection) -> None:
    """Free every lease. Only where nobody else works."""
    tx.execute(update(schedules).values(holder=None, held_until=None))


def not_after(tx: Connection, name: str, latest: datetime) -> None:
    """A job runs by `latest` at the latest, whatever time it was when it was planned."""
    tx.execute(_NOT_AFTER, {"of_name": name, "latest": latest})


def planned(tx: Connection) -> dict[str, datetime]:
    """When each job runs next."""
    return {row.name: row.next_run_at for row in tx.execute(_PLAN)}


def standings(tx: Connection) -> dict[str, Standing]:
    """How each job stands that was ever planned."""
    return {
        row.name: Standing(row.next_run_at, row.last_run_at, row.held_until)
        for row in tx.execute(_STANDINGS)
    }


def due(tx: Connection, now: datetime) -> list[str]:
    """Names of jobs whose time has come."""
    return list(tx.execute(_DUE, {"now": now}).scalars())


def next_due(tx: Connection) -> datetime | None:
    """When the next scheduled job is due."""
    return tx.execute(_NEXT_DUE).scalar()


_RECORD = insert(job_runs)
_RECENT = (
    select(
        job_runs.c.started_at, job_runs.c.ended_at, job_runs.c.duration_us, job_runs.c.success,
        job_runs.c.result, job_runs.c.error,
    )
    .where(job_runs.c.job_name == bindparam("name"))
    .order_by(job_runs.c.started_at.desc(), job_runs.c.id.desc())
    .limit(bindparam("limit"))
)  # fmt: skip
_STATS = select(
    func.count().label("total"),
    func.sum(case((job_runs.c.success == 1, 1), else_=0)).label("succeeded"),
    func.avg(cast(job_runs.c.duration_us, Float)).label("average_us"),
).where(job_runs.c.job_name == bindparam("name"))


def record(tx: Connection, name: str, run: Run) -> None:
    """Add one run to the history."""
    tx.execute(
        _RECORD,
        {
            "id": new_id("run", run.started_at), "job_name": name, "started_at": run.started_at,
            "ended_at": run.ended_at, "duration_us": run.duration_us, "success": run.success,
            "result": run.result, "error": run.error,
        },
    )  # fmt: skip


def recent(tx: Connection, name: str, limit: int) -> list[Run]:
    """The latest runs, newest first."""
    return [Run(**row._mapping) for row in tx.execute(_RECENT, {"name": name, "limit": limit})]


def stats(tx: Connection, name: str) -> Stats:
    """Counts and the average duration over all kept runs."""
    row = tx.execute(_STATS, {"name": name}).one()
    return Stats(int(row.total), int(row.succeeded or 0), float(row.average_us or 0.0))
