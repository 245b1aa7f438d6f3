"""What Polar says of a checkout and of an order, as its API and its events spell them."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from tallystick.simulators.base import Order, Transfer


def uuid_of(about: str, what: str) -> str:
    """The same id for the same thing, always."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"polar/{about}/{what}"))


def iso(at: datetime) -> str:
    """A time as Polar writes it."""
    return at.isoformat().replace("+00:00", "Z")


def checkout_of(order: Order) -> dict[str, Any]:
    """The checkout; its URL and product are the organization's to add."""
    net = order.amount * 10 // 11
    return {
        "id": order.id, "created_at": iso(order.created_at), "modified_at": None,
        "status": order.status, "client_secret": f"polar_c_{order.id}",
        "expires_at": iso(order.expires_at or order.created_at),
        "success_url": order.return_url, "amount": order.amount, "discount_amount": 0,
        "net_amount": net, "tax_amount": order.amount - net, "total_amount": order.amount,
        "currency": order.currency.lower(), "discount_id": None,
        "metadata": order.terms["metadata"], "subscription_id": None,
        "is_payment_required": True,
        # A value that no published list has: readers must not stumble over it.
        "payment_processor": "processor_of_tomorrow",
    }  # fmt: skip


def order_of(order: Order, transfer: Transfer) -> dict[str, Any]:
    """The order that one transfer is, with what of it went back."""
    net = transfer.amount * 10 // 11
    tax = transfer.amount - net
    gone = [
        row
        for row in order.terms["refunds"]
        if row["order_id"] == transfer.reference and row["status"] == "succeeded"
    ]
    net_gone = sum(row["amount"] for row in gone)
    tax_gone = sum(row["tax_amount"] for row in gone)
    status = "partially_refunded" if gone else "paid"
    return {
        "id": transfer.reference, "created_at": iso(transfer.at), "modified_at": None,
        "status": "refunded" if net_gone == net else status, "paid": True,
        "subtotal_amount": net, "discount_amount": 0, "net_amount": net, "tax_amount": tax,
        "total_amount": transfer.amount, "applied_balance_amount": 0, "due_amount": transfer.amount,
        "refunded_amount": net_gone, "refunded_tax_amount": tax_gone,
        "refundable_amount": net - net_gone, "refundable_tax_amount": tax - tax_gone,
        "currency": transfer.currency.lower(), "billing_reason": "purchase_of_tomorrow",
        "customer_id": uuid_of(order.id, "customer"), "subscription_id": None,
        "checkout_id": order.id, "metadata": order.terms["metadata"],
        "platform_fee_amount": transfer.amount // 25 + 40, "platform_fee_currency": "usd",
    }  # fmt: skip


_DISPUTE_STATES: Final = {"open": "needs_response", "lost": "lost", "won": "won"}


def disputed(order: Order, state: str, now: datetime) -> Order:
    """The checkout's last order with its dispute in this state."""
    last = order.transfers[-1]
    row = order_of(order, last)
    known = {one["order_id"]: one for one in order.terms.get("disputes", [])}
    before = known.get(last.reference, {"created_at": iso(now), "modified_at": None})
    known[last.reference] = {
        "id": uuid_of(last.reference, "dispute"), "created_at": before["created_at"],
        "modified_at": None if last.reference not in known else iso(now),
        "status": _DISPUTE_STATES[state], "resolved": state != "open", "closed": state != "open",
        "amount": row["net_amount"], "tax_amount": row["tax_amount"],
        "currency": row["currency"], "order_id": last.reference,
        "payment_id": uuid_of(last.reference, "payment"), "case_id": None,
    }  # fmt: skip
    return replace(order, terms={**order.terms, "disputes": list(known.values())})
