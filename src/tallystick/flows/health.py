"""Health: whether anything can be written, what waits, and how each gateway has been heard."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import DatabaseUnavailable
from tallystick.domain.proof_chain import Head
from tallystick.flows import deliver
from tallystick.flows.hub import Hub
from tallystick.store import attempts, checkup, inbox, overview, proof_chain, webhook_endpoints
from tallystick.store.overview import Overview

__all__ = ["Overview"]
WRITES_WITHIN_S: Final = 5
"""A write that waits longer is as good as none: whoever asks for readiness gives up too."""

TROUBLED: Final = (inbox.ORPHAN, inbox.UNREADABLE)
_AMONG: Final = 1000
_DAY: Final = timedelta(days=1)


async def written(hub: Hub) -> int:
    """How many notices wait, told by a commit. Raises DatabaseUnavailable, soon."""
    try:
        async with asyncio.timeout(WRITES_WITHIN_S):
            return await hub.database.write_each(checkup.write_and_take_back, hub.holder)
    except TimeoutError as error:
        raise DatabaseUnavailable(
            f"The database has not written anything for {WRITES_WITHIN_S} s: look at its disk, and "
            "at what holds it locked.", retry_after_s=5,
        ) from error  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, and what has come of deliveries."""

    notices: int
    undelivered_s: float
    disabled: int
    outcomes: dict[str, int]
    troubled: dict[str, int]
    head: Head


async def waiting(hub: Hub) -> Waiting:
    """All that the metrics tell of the database."""
    now = hub.now()

    def body(tx: Connection) -> Waiting:
        oldest = deliver.oldest_undelivered(tx)
        return Waiting(
            inbox.waiting(tx),
            0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()),
            len(webhook_endpoints.disabled(tx)),
            webhook_endpoints.tallies(tx),
            inbox.troubled(tx),
            proof_chain.head(tx),
        )

    return await hub.database.read(body)


@dataclass(frozen=True, slots=True)
class Heard:
    """When a gateway told something last, and when it was asked."""

    told_at: datetime | None
    asked_at: datetime | None


async def heard(hub: Hub) -> dict[str, Heard]:
    """By the names of the gateways that are set up."""

    def body(tx: Connection) -> dict[str, Heard]:
        return {
            name: Heard(inbox.newest(tx, name), attempts.last_asked(tx, name, _AMONG))
            for name in hub.gateways
        }

    return await hub.database.read(body)


async def last_day(hub: Hub) -> Overview:
    """What an operator sees first."""
    since = hub.now() - _DAY
    return await hub.database.read(lambda tx: overview.overview(tx, since))
