"""Outside effects: what a job row asks for, done at least once, however often it takes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from tallystick.domain import schedule
from tallystick.domain.errors import HubError
from tallystick.flows.cancel import cancel_attempt
from tallystick.flows.emails import send_mail
from tallystick.flows.hub import Hub
from tallystick.flows.withdraw import CANCEL
from tallystick.products.orders.deliver import SET_ACCESS, SYNC_DISCOUNT
from tallystick.products.orders.set_access import set_access
from tallystick.products.orders.sync_discounts import sync_discount
from tallystick.products.tasks.call_back import call_back, close_session
from tallystick.products.tasks.deliver import CALLBACK, CLOSE
from tallystick.store import effects
from tallystick.store.effects import Job

HELD_FOR: Final = timedelta(seconds=30)
BATCH: Final = 50

log = structlog.get_logger()
Effect = Callable[[Hub, dict[str, Any]], Awaitable[None]]
EFFECTS: Final[Mapping[str, Effect]] = {
    CANCEL: cancel_attempt,
    CALLBACK: call_back,
    CLOSE: close_session,
    "send_mail": send_mail,
    SET_ACCESS: set_access,
    SYNC_DISCOUNT: sync_discount,
}
"""Every outside effect by the kind of its job row. Each is safe to repeat."""


async def do_effects(hub: Hub) -> int:
    """Do the outside effects that are due; how many there were."""
    now = hub.now()
    due = await hub.database.write(lambda tx: effects.take_due(tx, now, now + HELD_FOR, BATCH))
    await asyncio.gather(*(_do(hub, job) for job in due))
    return len(due)


async def _do(hub: Hub, job: Job) -> None:
    try:
        await EFFECTS[job.kind](hub, job.payload)
    except Exception as error:  # noqa: BLE001 - an effect may fail in any way; it is done again
        why = error.detail if isinstance(error, HubError) else type(error).__name__
        log.warning("effect_failed", job=job.id, kind=job.kind, tries=job.tries + 1, why=why)
        now = hub.now()
        over = now - job.created_at > schedule.RETRY_WINDOW
        due = None if over else schedule.retry_at(job.tries, now, hub.jitter())
        await hub.database.write(lambda tx: effects.later(tx, job.id, due, why))
    else:
        await hub.database.write(lambda tx: effects.done(tx, job.id, hub.now()))
