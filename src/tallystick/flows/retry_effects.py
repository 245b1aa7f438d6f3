"""Retry effects: what could not be done for three days is listed, and done again on a word."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, NotFound
from tallystick.flows.hub import Hub
from tallystick.store import effects
from tallystick.store.effects import Effect

__all__ = ["Effect"]


async def listing(
    hub: Hub, *, filters: Mapping[str, str | None], span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None, limit: int,
) -> list[Effect]:  # fmt: skip
    """One page, newest first, one more than `limit` where there are more."""
    return await hub.database.read(
        lambda tx: effects.page(tx, filters=filters, span=span, after=after, limit=limit)
    )


async def retry(hub: Hub, effect_id: str) -> Effect:
    """Let a dead effect be done once more, at once. Safe to repeat. Raises NotFound, Conflict."""
    now = hub.now()

    def body(tx: Connection) -> Effect:
        known = effects.find(tx, effect_id)
        if known is None:
            raise NotFound("There is no effect with this id.")
        if known.state == "done":
            raise Conflict("This effect is done already; there is nothing to try again.")
        effects.revive(tx, effect_id, now)
        return effects.find(tx, effect_id) or known

    effect = await hub.database.write(body)
    hub.work_signal.ring()
    return effect
