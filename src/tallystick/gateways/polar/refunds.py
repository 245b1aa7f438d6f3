"""Refunds at Polar: what it is told, and how it tells of them."""

from typing import Final, Literal

from tallystick.domain.errors import GatewayRefused
from tallystick.domain.fields import Fields
from tallystick.domain.money import Money
from tallystick.gateways.abilities import RefundVerdict
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
    """What Polar is told, so that `amount` goes back with the tax. Raises GatewayRefused."""
    if currency_of(order) != amount.currency:
        raise GatewayRefused("The Polar order is in another currency than the refund.")
    net, tax = order.whole("refundable_amount"), order.whole("refundable_tax_amount")
    if amount.minor > net + tax:
        left = Money(net + tax, amount.currency)
        raise GatewayRefused(f"Of the Polar order only {left} can still go back.")
    if amount.minor == net + tax:
        return net
    part = prices.net_part(amount.minor, order.whole("net_amount"), order.whole("tax_amount"))
    if part is None:
        raise GatewayRefused(
            f"Polar adds the tax by itself and cannot give back exactly {amount}; "
            "ask for one minor unit more or less."
        )
    return part


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
