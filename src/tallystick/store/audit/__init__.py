"""The invariants of the books as queries: each names the rows that break it.

One module for each feature; this one knows them all.
"""

from typing import Final

from tallystick.store.audit import (
    core,
    gift_cards,
    merchant_events,
    orders,
    proof,
    refunds,
    sales,
    tasks,
    wallets,
)
from tallystick.store.audit.base import Check

__all__ = ["CHECKS", "Check"]

CHECKS: Final[tuple[Check, ...]] = (
    *core.CHECKS,
    *proof.CHECKS,
    *refunds.CHECKS,
    *merchant_events.CHECKS,
    *gift_cards.CHECKS,
    *wallets.CHECKS,
    *tasks.CHECKS,
    *orders.CHECKS,
    *sales.CHECKS,
)
