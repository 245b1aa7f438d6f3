"""Outside effects: what a job row asks for, done at least once, however often it takes."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from tallystick.domain import schedule
from tallystick.domain.errors import HubError
from tallystick.flows.cancel import cancel_attempt
from tallystick.flows.emails import send_mail
from tallystick.flows.extensions import Effect
from tallystick.flows.hub import Hub
from tallystick.flows.withdraw import CANCEL
from tallystick.store import effects
from tallystick.store.effects import Job

HELD_FOR: Final = timedelta(seconds=30)
BATCH: Final = 50

log = structlog.get_logger()
EFFECTS: Final[Mapping[str, Effect]] = {CANCEL: cancel_attempt, "send_mail": send_mail}
"""The core's own, by the kind of the row. Products add theirs; each is safe to repeat."""


def effects_of(hub: Hub) -> Mapping[str, Effect]:
    """Every outside effect by the kind of its row."""
    return {**EFFECTS, **hub.extensions.effects}


async def do_effects(hub: Hub) -> int:
    """Do the outside effects that are due; how many there were."""
    now = hub.now()
    due = await hub.database.write(lambda tx: effects.take_due(tx, now, now + HELD_FOR, BATCH))
    await asyncio.gather(*(_do(hub, job) for job in due))
    return len(due)


async def _do(hub: Hub, job: Job) -> None:
    try:
        await effects_of(hub)[job.kind](hub, job.payload)
    except Exception as error:  # noqa: BLE001 - an effect may fail in any way; it is done again
        why = error.detail if isinstance(error, HubError) else type(error).__name__
        log.warning("effect_failed", job=job.id, kind=job.kind, tries=job.tries + 1, why=why)
        now = hub.now()
        over = now - job.created_at > schedule.RETRY_WINDOW
        due = None if over else schedule.retry_at(job.tries, now, hub.jitter())
        await hub.database.write(lambda tx: effects.later(tx, job.id, due, why))
    else:
        await hub.database.write(lambda tx: effects.done(tx, job.id, hub.now()))
