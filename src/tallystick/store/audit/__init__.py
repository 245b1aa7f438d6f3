"""The invariants of the books as queries: each names the rows that break it.

One module for each feature; this one knows them all.
"""

from typing import Final

from tallystick.products.gift_cards import checks as gift_cards
from tallystick.products.orders import checks as orders
from tallystick.products.revenue import checks as sales
from tallystick.products.tasks import checks as tasks
from tallystick.products.wallets import checks as wallets
from tallystick.store.audit import core, merchant_events, proof, refunds
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
