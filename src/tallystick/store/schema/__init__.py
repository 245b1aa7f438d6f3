"""The core's tables: constraints first, so that the database itself refuses what must never be.

One module for each feature. Each product has tables of its own beside them.
"""

from tallystick.store.schema import (
    audit,
    core,
    credits,
    dashboard,
    keys,
    merchant_events,
    proof,
    rates,
    raw_bytes,
    reconciliation,
    refunds,
)
from tallystick.store.schema.base import append_only, frozen, metadata

__all__ = [
    "append_only", "audit", "core", "credits", "dashboard", "frozen", "keys", "merchant_events",
    "metadata", "proof", "rates", "raw_bytes", "reconciliation", "refunds",
]  # fmt: skip
