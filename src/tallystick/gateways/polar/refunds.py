"""Refunds at Polar: what it is told, and how it tells of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from tallystick.domain.errors import GatewayRefused
from tallystick.domain.fields import Fields
from tallystick.domain.money import Money
from tallystick.gateways.abilities import RefundOrder, RefundVerdict
from tallystick.gateways.polar import prices
from tallystick.gateways.polar.calls import Told, currency_of, metadata_of

OURS: Final = "tallystick_refund"
_REASONS: Final = {
    "duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee",
}  # fmt: skip
_REFUND_CLAIMS: Final[dict[str, Literal["pending", "succeeded", "failed", "canceled"]]] = {
    "pending": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}


def reason(words: str) -> str:
    """The word of Polar's that says why, with the merchant's own words beside it as comment."""
    return words if words in _REASONS else "customer_request"


def before_tax(order: Fields, amount: Money) -> int:
    """What Polar is told, so that `amount` goes back with the tax, or a first part of it.

    Raises GatewayRefused.
    """
    if currency_of(order) != amount.currency:
        raise GatewayRefused("The Polar order is in another currency than the refund.")
    net, tax = order.whole("refundable_amount"), order.whole("refundable_tax_amount")
    if amount.minor > net + tax:
        left = Money(net + tax, amount.currency)
        raise GatewayRefused(f"Of the Polar order only {left} can still go back.")
    if amount.minor == net + tax:
        return net
    part = prices.first_part(amount.minor, order.whole("net_amount"), order.whole("tax_amount"))
    # Where no untaxed money would be left, Polar would add all the tax that is.
    if part is None or part >= net:
        raise GatewayRefused(
            f"Polar adds the tax by itself and cannot give back exactly {amount}; "
            "ask for one minor unit more or less."
        )
    return part


def as_one(parts: Sequence[RefundVerdict], amount: Money | None = None) -> RefundVerdict | None:
    """What became of one refund of ours, which may be several of Polar's.

    None where they do not make up the `amount` (of what is alive, where none is given): a part was
    never made, or came back.
    """
    alive = [one for one in parts if one.claim in {"pending", "succeeded"}]
    if not alive:
        return parts[0] if len(parts) == 1 else None
    minor = sum(one.amount.minor for one in alive)
    if len(alive) < len(parts) or (amount is not None and minor != amount.minor):
        return None
    claim = "pending" if any(one.claim == "pending" for one in alive) else alive[0].claim
    total = Money(minor, alive[0].amount.currency)
    return replace(parts[0], claim=claim, amount=total)


def left(parts: Sequence[RefundVerdict], amount: Money) -> Money:
    """What is still to be given back after these parts."""
    alive = (one.amount.minor for one in parts if one.claim in {"pending", "succeeded"})
    return Money(amount.minor - sum(alive), amount.currency)


def wish(order: RefundOrder, paid: Fields, amount: Money, ref: str) -> dict[str, Any]:
    """What Polar is asked to give back of its order; `ref` is where our reference stands."""
    return {
        "order_id": order.transaction_id,
        "reason": reason(order.reason),
        "amount": before_tax(paid, amount),
        "comment": order.reason[:500],
        "revoke_benefits": False,
        "metadata": {OURS: order.refund_id, ref: order.attempt.our_ref},
    }


def gone(order: Fields) -> int:
    """What of an order went back, tax included, as far as it says so."""
    told = (order.data.get(name) for name in ("refunded_amount", "refunded_tax_amount"))
    return sum(minor for minor in told if type(minor) is int)


def refunded(told: Told) -> RefundVerdict:
    """One refund, tax included."""
    fields = told.fields
    ours = metadata_of(fields).get(OURS)
    amount = fields.whole("amount") + fields.whole("tax_amount")
    if not 0 < amount <= prices.LARGEST_MINOR:
        raise fields.fail("a refund has no sensible amount")
    return RefundVerdict(
        provider_id=fields.name("id"),
        claim=_REFUND_CLAIMS.get(fields.text("status"), "pending"),
        amount=Money(amount, currency_of(fields)),
        refund_id=ours if isinstance(ours, str) else None,
        raw=told.raw,
        transaction_id=fields.name("order_id"),
    )
