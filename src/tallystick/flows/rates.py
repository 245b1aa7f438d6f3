"""Exchange rates in four layers: a fresh cache, the live source, an expired cache, the floor."""

from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.errors import Unavailable
from tallystick.domain.exchange import Rates, RateSource, Valued
from tallystick.domain.money import Money
from tallystick.flows.hub import Hub
from tallystick.store import rates

LEFT_ALONE_FOR: Final = timedelta(seconds=60)
_KEY: Final = "exchange rates"

log = structlog.get_logger()


async def latest(hub: Hub) -> Rates:
    """The best rates there are now; the answer names its layer. Never raises for a silent source.

    May ask the live source, so it is called before a transaction and never inside one.
    """
    known = await _known(hub)
    if known.source is RateSource.CACHED or hub.rates is None:
        return known
    # One asks, the others wait for its answer, so that a slow source is waited for once.
    async with hub.alone(_KEY):
        known = await _known(hub)
        if known.source is RateSource.CACHED or _is_left_alone(hub):
            return known
        return await _ask(hub) or known


async def refresh(hub: Hub) -> dict[str, Any]:
    """Ask the live source before the cache is too old, so that no buyer waits for it."""
    if hub.rates is None:
        return {"source": (await _known(hub)).source, "currencies": 0}
    async with hub.alone(_KEY):
        heard = await _ask(hub)
    found = heard or await _known(hub)
    return {"source": found.source, "currencies": len(found.per_dollar)}


def value_receipt(
    tx: Connection, hub: Hub, payment_id: str, receipt_id: str, amount: Money
) -> None:
    """Freeze what came in at the rate of the sale, else at the best one known here.

    Runs in the settling transaction, where nobody can be asked. A currency of which no rate is
    known stays without a worth in dollars; the money itself is counted all the same.
    """
    now = hub.now()
    agreed = (find(tx, payment_id) for find in hub.extensions.agreed_rates)
    rate = next(filter(None, agreed), None)
    if rate is None or rate.currency != amount.currency:
        rate = rates.rate_of(tx, amount.currency, hub.settings.exchange_rate_floor, now)
    if rate is not None:
        rates.freeze(tx, receipt_id, Valued.at(amount, rate), now)


async def _known(hub: Hub) -> Rates:
    now = hub.now()
    floor = hub.settings.exchange_rate_floor
    return await hub.database.read(lambda tx: rates.known(tx, floor, now))


def _is_left_alone(hub: Hub) -> bool:
    quiet_since = hub.rates_silent_since
    return quiet_since is not None and hub.now() - quiet_since < LEFT_ALONE_FOR


async def _ask(hub: Hub) -> Rates | None:
    """What the live source says, kept; None where it says nothing usable."""
    if hub.rates is None:
        return None
    now = hub.now()
    try:
        heard = await hub.rates.ask()
    except Unavailable as silent:
        hub.rates_silent_since = now
        log.warning("rates_unheard", why=silent.detail)
        return None
    hub.rates_silent_since = None
    await hub.database.write(lambda tx: rates.remember(tx, heard, now))
    floor = Rates(hub.settings.exchange_rate_floor, RateSource.FALLBACK, now)
    return Rates(heard, RateSource.API, now, floor)
