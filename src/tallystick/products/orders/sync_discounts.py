"""Discounts at Polar: what was redeemed elsewhere is told there, as a state and never as a step."""

from collections import Counter
from functools import partial
from typing import Any, Final

import structlog

from tallystick.domain.errors import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    NotConfigured,
    RaceLost,
)
from tallystick.flows.hub import Hub
from tallystick.gateways.abilities import Discounts, HasDiscounts
from tallystick.products.orders import coupon_rows
from tallystick.products.orders.coupon import Coupon, SyncOutcome, Tell, wanted_at_polar

_PAGE: Final = 100
_ROUNDS: Final = 5

log = structlog.get_logger()


async def sync_discounts(hub: Hub) -> dict[str, Any]:
    """A job: tell Polar of every coupon that lives there too; counts by what it came to.

    One that cannot be told now is told by the next run.
    """
    counted: Counter[str] = Counter()
    last_id = ""
    while True:
        page = await hub.database.read(partial(coupon_rows.at_polar, last_id=last_id, limit=_PAGE))
        for coupon_id in page:
            counted[await _sync_gently(hub, coupon_id)] += 1
        if len(page) < _PAGE:
            # What is as it was is no news, and leaves no trace in the job's history.
            quiet = (SyncOutcome.ALREADY_SYNCED, SyncOutcome.ALREADY_DELETED,
                     SyncOutcome.SKIPPED_UNLIMITED)  # fmt: skip
            return {name: times for name, times in counted.items() if name not in quiet}
        last_id = page[-1]


async def sync_discount(hub: Hub, payload: dict[str, Any]) -> None:
    """An effect, after a redemption. Raises what makes it due again later."""
    await sync(hub, str(payload["couponId"]))


async def sync(hub: Hub, coupon_id: str) -> SyncOutcome:
    """Bring Polar's discount in line with our counts; any number of times, in any order.

    Where somebody redeems meanwhile, it is done once more, so that an old count is never the last
    word. Raises NotConfigured, GatewayRefused, GatewayUnavailable, GatewayUnreachable.
    """
    async with hub.alone(coupon_id):
        for _ in range(_ROUNDS):
            coupon = await hub.database.read(lambda tx: coupon_rows.find(tx, coupon_id))
            if coupon is None or coupon.polar_discount_id is None:
                return SyncOutcome.ALREADY_DELETED
            outcome, elsewhere = await _tell(_discounts(hub), coupon, coupon.polar_discount_id)
            note = partial(
                coupon_rows.told, coupon=coupon, outcome=outcome, elsewhere=elsewhere, now=hub.now()
            )
            if await hub.database.write(note):
                if outcome is not coupon.polar_outcome:
                    log.info("discount_told", coupon=coupon_id, outcome=outcome)
                return outcome
    raise RaceLost("The coupon was redeemed again and again meanwhile.")


async def _tell(there: Discounts, coupon: Coupon, discount_id: str) -> tuple[SyncOutcome, int]:
    """What it came to, and how often Polar has redeemed it itself."""
    found = await there.fetch(discount_id)
    if found is None:
        return SyncOutcome.ALREADY_DELETED, coupon.elsewhere
    if coupon.max_redemptions is None:
        return SyncOutcome.SKIPPED_UNLIMITED, found.redeemed
    wanted = wanted_at_polar(coupon.max_redemptions, coupon.redeemed, found.limit, found.redeemed)
    if wanted.tell is Tell.NOTHING:
        return SyncOutcome.ALREADY_SYNCED, found.redeemed
    if wanted.tell is Tell.DELETE:
        was_there = await there.delete(discount_id)
        done = SyncOutcome.DELETED if was_there else SyncOutcome.ALREADY_DELETED
        return done, found.redeemed
    was_there = await there.limit(discount_id, wanted.limit)
    done = SyncOutcome.DECREMENTED if was_there else SyncOutcome.ALREADY_DELETED
    return done, found.redeemed


async def _sync_gently(hub: Hub, coupon_id: str) -> str:
    try:
        return await sync(hub, coupon_id)
    except (GatewayRefused, GatewayUnavailable, GatewayUnreachable, NotConfigured) as error:
        log.warning("discount_untold", coupon=coupon_id, why=error.detail)
        return "failed"


def _discounts(hub: Hub) -> Discounts:
    gateway: object = hub.gateways.get("polar")
    if not isinstance(gateway, HasDiscounts):
        raise NotConfigured("Polar is not set up here, so its discounts cannot be told.")
    return gateway.discounts
