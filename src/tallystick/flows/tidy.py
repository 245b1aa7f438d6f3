"""Tidy: let go of what has served its time; the books, credits and decisions stay."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from tallystick.flows import addresses, raw_bytes
from tallystick.flows.hub import Hub
from tallystick.flows.idempotency import KEPT_FOR
from tallystick.store import dashboard_sessions, pruning

HISTORY: Final = timedelta(days=30)
YEAR: Final = timedelta(days=365)


async def tidy(hub: Hub) -> dict[str, Any]:
    """Everything that is over, in short transactions; how much went of each kind.

    Safe to stop and to repeat. What a migration left unsealed is sealed here.
    """
    now = hub.now()
    raw_from = now - timedelta(days=hub.settings.raw_days)
    ages = {
        "raw_bytes": raw_from,
        "runs": now - HISTORY,
        "delivery_attempts": now - HISTORY,
        "idempotency_keys": now - KEPT_FOR,
    }
    went = {name: await _drop_aged(hub, name, before) for name, before in ages.items()}
    went["sealed"] = await raw_bytes.seal_rest(hub) + await addresses.seal_rest(hub)
    went["sign_ins"] = await hub.database.write(
        lambda tx: dashboard_sessions.forget(tx, hub.clock.real_now())
    )
    year_ago = now - YEAR
    up_to = await hub.database.write(lambda tx: pruning.told_up_to(tx, year_ago))
    walks: dict[str, dict[str, Any]] = {
        "deliveries": {"up_to": up_to},
        "effects": {"before": year_ago},
        "client_tokens": {"before": year_ago},
        "notices_about_nothing": {"before": raw_from},
    }
    return went | {name: await _walk(hub, name, values) for name, values in walks.items()}


async def _drop_aged(hub: Hub, name: str, before: datetime) -> int:
    gone = 0
    while some := await hub.database.write(lambda tx: pruning.drop_aged(tx, name, before)):
        gone += some
    return gone


async def _walk(hub: Hub, name: str, values: dict[str, Any]) -> int:
    """All of a table, a stretch at a time; only where something is over is anything written."""
    gone, after = 0, None
    while True:
        found = await hub.database.read(partial(_stretch, name, after, values))
        if found is None:
            return gone
        if found.over:
            gone += await hub.database.write(partial(_drop, name, found, values))
        after = found.last


def _stretch(
    name: str, after: tuple[Any, ...] | None, values: dict[str, Any], tx: Connection
) -> pruning.Stretch | None:
    return pruning.stretch(tx, name, after, values)


def _drop(name: str, found: pruning.Stretch, values: dict[str, Any], tx: Connection) -> int:
    return pruning.drop(tx, name, found.over, values)
