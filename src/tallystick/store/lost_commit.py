"""Finds out what became of a transaction whose commit was sent and never answered."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

# The server is asked on a fresh connection until it knows: for some seconds, as long as a restart
# takes.
_PAUSES_S: Final = (0.0, 0.02, 0.1, 0.3, 0.6, 1.0, 2.0, 2.0)
_PATIENT_ASKS: Final = 4

_XID = "SELECT pg_current_xact_id_if_assigned()"
# A crash may lose the newest numbers of transactions, and give them to others. It also resets all
# statistics (postgresql.org/docs, "The Cumulative Statistics System"), as a promoted standby has
# its own: so the time of their last reset names one life of the server. A clean restart keeps
# both.
_LIFE = "SELECT pg_backend_pid(), pg_stat_get_bgwriter_stat_reset_time()::text"
_FATE = text(
    "SELECT CASE WHEN pg_stat_get_bgwriter_stat_reset_time()::text IS DISTINCT FROM :life"
    " THEN 'unknown' ELSE coalesce(pg_xact_status(CAST(:xid AS xid8)), 'unknown') END"
)
# The connection was cut and the server has not noticed: it would keep its locks for hours.
_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid"
    " AND backend_xid = CAST(CAST(:xid AS xid8) AS xid) AND state = 'idle in transaction'"
)


class Fate(StrEnum):
    """What became of it, in the words of `pg_xact_status`."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    RUNNING = "in progress"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a transaction is found again by: its number, its server process, the server's life."""

    xid: int
    pid: int
    life: str | None


def mark(tx: Connection) -> Mark | None:
    """The mark of this transaction, read as its last statement; None where it wrote nothing."""
    xid: int | None = tx.exec_driver_sql(_XID).scalar()
    if xid is None:
        return None
    # No connection outlives a crash, so this is read once for each.
    if "life" not in tx.info:
        tx.info["life"] = tuple(tx.exec_driver_sql(_LIFE).one())
    return Mark(xid, *tx.info["life"])


async def fate(engine: AsyncEngine, lost: Mark) -> Fate:
    """Ask until it is decided. `UNKNOWN` after a crash of the server, or while it stays away."""
    for asked, pause_s in enumerate(_PAUSES_S):
        await asyncio.sleep(pause_s)
        try:
            found = await _ask(engine, lost, end=asked >= _PATIENT_ASKS)
        except (DBAPIError, OSError, PoolTimeout):
            continue
        if found is not Fate.RUNNING:
            return found
    return Fate.UNKNOWN


async def _ask(engine: AsyncEngine, lost: Mark, *, end: bool) -> Fate:
    async with engine.connect() as connection:
        values = {"xid": lost.xid, "life": lost.life}
        found = Fate((await connection.execute(_FATE, values)).scalar_one())
        if found is Fate.RUNNING and end:
            await connection.execute(_END, {"xid": lost.xid, "pid": lost.pid})
        return found
