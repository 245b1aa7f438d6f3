"""Poll: a browser, a merchant or an operator asks; if the answer is old, settle first."""

import asyncio
from datetime import timedelta
from typing import Final

from tallystick.domain.payment import AttemptState, Phase, is_final
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub, found
from tallystick.flows.settle import settle
from tallystick.store import snapshots

COALESCED: Final = timedelta(seconds=5)
PATIENCE_S: Final = 2.5


async def read(hub: Hub, payment_id: str) -> Snapshot:
    """What we know of a payment, without asking anybody. Raises NotFound."""
    return found(await hub.database.read(lambda tx: snapshots.find(tx, payment_id)))


async def status(hub: Hub, payment_id: str) -> Snapshot:
    """The state for a browser that polls: asks the gateway first where our answer is old.

    At most one question per payment in 5 s, and the browser waits at most 2.5 s for it.
    Raises NotFound.
    """
    return await fresher(hub, await read(hub, payment_id))


async def fresher(hub: Hub, snapshot: Snapshot) -> Snapshot:
    """The same payment, asked about again where that makes sense."""
    if not _is_worth_asking(hub, snapshot):
        return snapshot
    asking = asyncio.ensure_future(check(hub, snapshot.id))
    try:
        return await asyncio.wait_for(asyncio.shield(asking), PATIENCE_S)
    except TimeoutError:
        asking.add_done_callback(_forget)
        return snapshot


async def check(hub: Hub, payment_id: str) -> Snapshot:
    """Ask the gateway now, unless it was asked in the last 5 s. Raises NotFound."""
    return await settle(hub, payment_id, fresh_since=hub.now() - COALESCED)


def _is_worth_asking(hub: Hub, snapshot: Snapshot) -> bool:
    attempt = snapshot.attempt
    if is_final(snapshot.phase) or snapshot.phase is Phase.DRAFT or attempt is None:
        return False
    gateway = hub.account(attempt.gateway, attempt.account)
    if attempt.state is AttemptState.CREATED or gateway is None:
        return False
    old = snapshot.as_of is None or hub.now() - snapshot.as_of >= COALESCED
    return old and gateway.capabilities.asks


def _forget(asking: "asyncio.Future[Snapshot]") -> None:
    if not asking.cancelled():
        asking.exception()
