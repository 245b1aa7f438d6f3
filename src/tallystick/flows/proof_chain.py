"""The chain of the proof grows behind the commits, and its head is told outside the database."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.proof_chain import Head
from tallystick.flows.hub import Hub
from tallystick.store import proof_chain, witness
from tallystick.store.database import Database

MOST_ROUNDS: Final = 200
_CHAIN: Final = "the chain of the proof"

log = structlog.get_logger()


async def begin(hub: Hub) -> None:
    """At the start: tell at once where rows are gone; a new database has no old witness."""
    aside = await hub.database.read(witness.set_aside)
    if aside is not None:
        log.warning("proof_of_another_database", witness=str(aside))
    why = await hub.database.read(witness.contradicts)
    if why is not None:
        log.error("proof_gone", why=why)


async def extend(hub: Hub) -> int:
    """Link what is committed and in no link; how many links that made. Safe to repeat.

    The newest head goes into the log and, where the database is a file, into one beside it.
    """
    async with hub.alone(_CHAIN):
        return await _extend_alone(hub)


async def _extend_alone(hub: Hub) -> int:
    if not await hub.database.read(proof_chain.waits):
        return 0
    before = await hub.database.read(proof_chain.head)
    for _ in range(MOST_ROUNDS):
        if not await hub.database.write(partial(_extend, hub)):
            break
    head, why, path = await hub.database.read(_look)
    if head == before:
        return 0
    log.info("proof_head", links=head.links, head=str(head))
    if why is not None:
        # The witness stays as it is, until a person has seen it.
        log.error("proof_gone", why=why)
    elif path is not None:
        await asyncio.to_thread(witness.write, path, head)
    return head.links - before.links


async def knows(database: Database, head: Head) -> bool:
    """Whether a head from a log, a metric or a backup is still part of the chain."""
    return await database.read(lambda tx: proof_chain.has(tx, head))


def _extend(hub: Hub, tx: Connection) -> bool:
    return proof_chain.extend(tx, hub.now())


def _look(tx: Connection) -> tuple[Head, str | None, Path | None]:
    return proof_chain.head(tx), witness.contradicts(tx), witness.place(tx)
