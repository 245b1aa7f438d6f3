"""Match: credits whose memo names a payment are taken up by it, through the one door."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from tallystick.domain.errors import HubError
from tallystick.flows.hub import Hub
from tallystick.flows.settle import settle
from tallystick.store import credits

HELD_FOR: Final = timedelta(seconds=30)
BATCH: Final = 64
MOST_TRIES: Final = 100
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


async def give_owners(hub: Hub) -> int:
    """Settle every payment that a credit is meant for; how many credits there were."""
    now = hub.now()
    due = await hub.database.write(lambda tx: credits.take_due(tx, now, now + HELD_FOR, BATCH))
    meant: dict[str, list[str]] = {}
    for credit_id, payment_id in due:
        meant.setdefault(payment_id, []).append(credit_id)
    taken = await asyncio.gather(*(_take_up(hub, payment_id) for payment_id in meant))
    done = [ids for ids, was_taken in zip(meant.values(), taken, strict=True) if was_taken]
    # A payment that is settled has what is its own; what it left is for a person.
    left = [credit_id for ids in done for credit_id in ids]
    await hub.database.write(lambda tx: credits.rest(tx, left))
    return len(due)


async def _take_up(hub: Hub, payment_id: str) -> bool:
    """Whether the payment has looked at it; what fails is tried again when the hold is over."""
    try:
        # Nobody is asked again: the account has just been read.
        await settle(hub, payment_id, fresh_since=_LONG_AGO)
    except HubError as error:
        log.warning("credit_not_taken_up", payment=payment_id, why=error.detail)
        return False
    except Exception:
        log.exception("credit_not_taken_up", payment=payment_id)
        return False
    return True
