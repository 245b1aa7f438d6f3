"""Outside effects as rows, written in the transaction that caused them, done at least once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.ids import new_id
from tallystick.store.places import window
from tallystick.store.schema.core import jobs

_ADD = {
    "sqlite": sqlite_insert(jobs).on_conflict_do_nothing(),
    "postgresql": pg_insert(jobs).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True)
class Job:
    """One effect to be done. `tries` counts the attempts before this one."""

    id: str
    kind: str
    payload: dict[str, Any]
    tries: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How an effect stands: `state` is ready, done or dead; `due_at` is its next try."""

    state: str
    tries: int
    error: str | None
    due_at: datetime | None
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect as an operator sees it. `dedupe_key` says what it is about."""

    id: str
    kind: str
    dedupe_key: str
    state: str
    tries: int
    error: str | None
    due_at: datetime | None
    created_at: datetime
    done_at: datetime | None


def add(tx: Connection, kind: str, dedupe_key: str, payload: dict[str, Any], now: datetime) -> None:
    """Ask for an effect. The same `dedupe_key` twice is one effect."""
    values = {
        "id": new_id("job", now), "kind": kind, "dedupe_key": dedupe_key, "payload": payload,
        "state": "ready", "due_at": now, "tries": 0, "created_at": now,
    }  # fmt: skip
    tx.execute(_ADD[tx.dialect.name], values)


_DUE = (
    select(jobs.c.id, jobs.c.kind, jobs.c.payload, jobs.c.tries, jobs.c.created_at)
    .where(jobs.c.due_at <= bindparam("now"), jobs.c.state == "ready")
    .order_by(jobs.c.due_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(jobs)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
    .values(due_at=bindparam("until"), tries=jobs.c.tries + 1)
)
_DONE = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_id"))
    .values(state="done", due_at=None, done_at=bindparam("now"), error=None)
)
_LATER = (
    update(jobs)
    # Another worker may have done it while this one still waited for its answer.
    .where(jobs.c.id == bindparam("of_id"), jobs.c.state != "done")
    .values(state=bindparam("state"), due_at=bindparam("due_at"), error=bindparam("error"))
)
_AGAIN = (
    update(jobs)
    .where(jobs.c.dedupe_key == bindparam("of_key"), jobs.c.state != "ready")
    .values(
        state="ready", due_at=bindparam("now"), created_at=bindparam("now"), tries=0,
        done_at=None, error=None,
    )
)  # fmt: skip
_STANDING = select(
    jobs.c.state, jobs.c.tries, jobs.c.error, jobs.c.due_at, jobs.c.done_at
).where(jobs.c.dedupe_key == bindparam("of_key"))  # fmt: skip
_LET_GO = update(jobs).where(jobs.c.due_at > bindparam("now")).values(due_at=bindparam("now"))
_NEXT_DUE = select(jobs.c.due_at).where(jobs.c.due_at.is_not(None)).order_by(jobs.c.due_at).limit(1)


def take_due(tx: Connection, now: datetime, until: datetime, limit: int) -> list[Job]:
    """Effects to be done now, held until `until`: a crash gives them back then."""
    rows = list(tx.execute(_DUE, {"now": now, "limit": limit}))
    if rows:
        tx.execute(_TAKE, {"ids": [row.id for row in rows], "until": until})
    return [Job(**row._mapping) for row in rows]


def done(tx: Connection, job_id: str, now: datetime) -> None:
    """It has been done."""
    tx.execute(_DONE, {"of_id": job_id, "now": now})


def later(tx: Connection, job_id: str, due_at: datetime | None, error: str) -> None:
    """Try again at `due_at`; None means that a person has to look."""
    state = "dead" if due_at is None else "ready"
    tx.execute(_LATER, {"of_id": job_id, "state": state, "due_at": due_at, "error": error})


def again(tx: Connection, dedupe_key: str, now: datetime) -> bool:
    """Let a finished or given-up effect be done once more; False where there is none."""
    return tx.execute(_AGAIN, {"of_key": dedupe_key, "now": now}).rowcount == 1


def standing(tx: Connection, dedupe_key: str) -> Standing | None:
    """How the effect with this key stands, or None."""
    row = tx.execute(_STANDING, {"of_key": dedupe_key}).first()
    return None if row is None else Standing(**row._mapping)


_EFFECTS = select(
    jobs.c.id, jobs.c.kind, jobs.c.dedupe_key, jobs.c.state, jobs.c.tries, jobs.c.error,
    jobs.c.due_at, jobs.c.created_at, jobs.c.done_at,
)  # fmt: skip
_EFFECT = _EFFECTS.where(jobs.c.id == bindparam("id"))
_REVIVE = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_id"), jobs.c.state == "dead")
    .values(
        state="ready", due_at=bindparam("now"), created_at=bindparam("now"), tries=0, error=None
    )
)


def page(
    tx: Connection, *, filters: Mapping[str, str | None],
    span: tuple[datetime | None, datetime | None], after: tuple[datetime, str] | None, limit: int,
) -> list[Effect]:  # fmt: skip
    """Effects, newest first, one more than `limit` where there are more; None filters nothing."""
    query = _EFFECTS.order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
    for name, value in filters.items():
        query = query if value is None else query.where(jobs.c[name] == value)
    query = window(query, jobs.c.created_at, jobs.c.id, span, after)
    return [Effect(**row._mapping) for row in tx.execute(query.limit(limit + 1))]


def find(tx: Connection, effect_id: str) -> Effect | None:
    """One effect, or None."""
    row = tx.execute(_EFFECT, {"id": effect_id}).first()
    return None if row is None else Effect(**row._mapping)


def revive(tx: Connection, effect_id: str, now: datetime) -> bool:
    """Let a dead effect be tried from the beginning; False where it is not dead."""
    return tx.execute(_REVIVE, {"of_id": effect_id, "now": now}).rowcount == 1


def let_go(tx: Connection, now: datetime) -> None:
    """Make everything due that a dead process may have held. Only where nobody else works."""
    tx.execute(_LET_GO, {"now": now})


def next_due(tx: Connection) -> datetime | None:
    """When the earliest effect is due."""
    return tx.execute(_NEXT_DUE).scalar()
