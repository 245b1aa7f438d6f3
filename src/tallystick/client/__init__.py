"""A client for your own programs: open payments, follow them, check the events you are sent."""

from tallystick.client.errors import (
    ApiError,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    ServerError,
    TallystickError,
    Unauthenticated,
    Unreachable,
    WatchTimedOut,
    WebhookVerificationError,
)
from tallystick.client.hub import AsyncTallystick, Tallystick
from tallystick.client.payment_links import PaymentLink, PaymentLinkStatus
from tallystick.client.payments import Checkout, Payment, PaymentStatus
from tallystick.client.webhooks import verify_webhook

__all__ = [
    "ApiError",
    "AsyncTallystick",
    "Checkout",
    "Conflict",
    "FieldError",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Payment",
    "PaymentLink",
    "PaymentLinkStatus",
    "PaymentStatus",
    "RateLimited",
    "ServerError",
    "Tallystick",
    "TallystickError",
    "Unauthenticated",
    "Unreachable",
    "WatchTimedOut",
    "WebhookVerificationError",
    "verify_webhook",
]
