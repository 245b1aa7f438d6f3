"""An order as everybody who may see it is shown it: in answers, lists and events.

The tax id, the licence and the client token are not part of it.
"""

from typing import Annotated

from tallystick.domain.answer_types import Amount, Count, Instant, Minor, Notes, Shown
from tallystick.domain.document import instant
from tallystick.products.orders.rules import Order, OrderReview, OrderStatus


class OrderAnswer(Amount):
    """An order as everybody who may see it is shown it."""

    id: str
    couponCode: str | None
    userId: str | None
    email: str
    productType: str
    quantity: Count
    originalAmount: Minor
    status: OrderStatus
    review: OrderReview | None
    paymentProvider: str
    paymentId: str
    referredBy: str | None
    discountAmount: Minor
    discountRate: Annotated[float, Shown(minimum=0, description="Percent of originalAmount.")]
    couponDiscount: Minor
    referralDiscount: Minor
    refundedAmount: Minor
    teamId: str | None
    githubUsername: str | None
    vatInvoiceRequested: bool
    metadata: Notes
    createdAt: Instant
    updatedAt: Instant
    completedAt: Instant | None


def document(order: Order, email: str) -> OrderAnswer:
    """The order, with the buyer's address as it was opened."""
    quote, buyer = order.quote, order.buyer
    return {
        "id": order.id,
        "couponCode": order.coupon_code,
        "userId": buyer.owner_id,
        "email": email,
        "productType": order.product_type,
        "quantity": quote.quantity,
        "amount": quote.final,
        "originalAmount": quote.listed,
        "currency": order.currency,
        "status": order.status,
        "review": order.review,
        "paymentProvider": order.gateway,
        "paymentId": order.payment_id,
        "referredBy": order.referred_by,
        "discountAmount": quote.discount,
        "discountRate": percent(quote.rate),
        "couponDiscount": quote.coupon,
        "referralDiscount": quote.referral,
        "refundedAmount": order.refunded,
        "teamId": buyer.team_id,
        "githubUsername": buyer.github_username,
        "vatInvoiceRequested": buyer.vat_invoice_requested,
        "metadata": dict(order.metadata),
        "createdAt": instant(order.created_at),
        "updatedAt": instant(order.updated_at),
        "completedAt": instant(order.completed_at),
    }


def percent(basis_points: int) -> int | float:
    """A rate for people: 10, or 12.5."""
    whole, rest = divmod(basis_points, 100)
    return basis_points / 100 if rest else whole
