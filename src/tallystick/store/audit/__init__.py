"""The invariants of the core's books as queries: each names the rows that break it.

One module for each feature. Each product has checks of its own beside them.
"""

from typing import Final

from tallystick.store.audit import core, merchant_events, proof, refunds
from tallystick.store.audit.base import Check

__all__ = ["CHECKS", "Check"]

CHECKS: Final[tuple[Check, ...]] = (
    *core.CHECKS,
    *proof.CHECKS,
    *refunds.CHECKS,
    *merchant_events.CHECKS,
)
