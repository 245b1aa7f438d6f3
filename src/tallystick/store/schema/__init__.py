"""The tables: constraints first, so that the database itself refuses what must never be.

One module for each feature; this one knows them all.
"""

from tallystick.store.schema import (
    core,
    coupons,
    dashboard,
    gift_cards,
    merchant_events,
    orders,
    raw_bytes,
    reconciliation,
    refunds,
    sales,
    tasks,
    wallets,
)
from tallystick.store.schema.base import append_only, metadata

__all__ = [
    "append_only",
    "core",
    "coupons",
    "dashboard",
    "gift_cards",
    "merchant_events",
    "metadata",
    "orders",
    "raw_bytes",
    "reconciliation",
    "refunds",
    "sales",
    "tasks",
    "wallets",
]
