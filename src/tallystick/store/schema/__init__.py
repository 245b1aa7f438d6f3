"""The tables: constraints first, so that the database itself refuses what must never be.

One module for each feature; this one knows them all.
"""

from tallystick.products.gift_cards import tables as gift_cards
from tallystick.products.orders import coupon_tables
from tallystick.products.orders import tables as orders
from tallystick.products.revenue import tables as sales
from tallystick.products.tasks import tables as tasks
from tallystick.products.wallets import tables as wallets
from tallystick.store.schema import (
    audit,
    core,
    credits,
    dashboard,
    keys,
    merchant_events,
    proof,
    raw_bytes,
    reconciliation,
    refunds,
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
