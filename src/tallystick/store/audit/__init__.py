"""The invariants of the books as queries: each names the rows that break it.

One module for each feature; this one knows them all.
"""

from typing import Final

from tallystick.store.audit import core, orders, sales
from tallystick.store.audit.base import Check

__all__ = ["CHECKS", "Check"]

CHECKS: Final[tuple[Check, ...]] = (*core.CHECKS, *orders.CHECKS, *sales.CHECKS)
