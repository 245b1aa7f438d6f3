"""The tables: constraints first, so that the database itself refuses what must never be.

One module for each feature; this one knows them all.
"""

from tallystick.store.schema import (
    audit,
    core,
    coupons,
    credits,
    dashboard,
    gift_cards,
    keys,
    merchant_events,
    orders,
    proof,
    raw_bytes,
    reconciliation,
    refunds,
    sales,
    tasks,
    wallets,
)
from tallystick.store.schema.base import append_only, frozen, metadata

__all__ = [
    "append_only",
    "audit",
    "core",
    "coupons",
    "credits",
    "dashboard",
    "frozen",
    "gift_cards",
    "keys",
    "merchant_events",
    "metadata",
    "orders",
    "proof",
    "raw_bytes",
    "reconciliation",
    "refunds",
    "sales",
    "tasks",
    "wallets",
]
