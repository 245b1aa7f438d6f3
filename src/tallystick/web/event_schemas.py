"""What merchants' systems are sent, as the `webhooks` of the API description."""

from typing import Any, Final

from tallystick.domain.event import PAYMENT_EVENTS, PING
from tallystick.domain.refund import RefundSource, RefundState
from tallystick.domain.task import TaskState
from tallystick.web.schema_parts import (
    CURRENCY,
    FLAG,
    INSTANT,
    MINOR,
    NOTES,
    NUMBER,
    PERCENT,
    TEXT,
    Schema,
    object_,
    one_of,
    or_null,
    ref,
)

_MONEY: Final = {"amount": MINOR, "currency": CURRENCY}
EVENT_SCHEMAS: Final[dict[str, Schema]] = {
    "RefundNews": object_(
        _MONEY, id=TEXT, paymentId=TEXT, state=one_of(RefundState), source=one_of(RefundSource),
        method=one_of(("api", "manual")), gateway=TEXT, reason=TEXT, keepAccess=FLAG,
        failure=or_null(TEXT), bankReference=or_null(TEXT),
    ),
    "GiftCardNews": object_(_MONEY, id=TEXT, status=TEXT, balance=MINOR, paymentId=TEXT),
    "TopupNews": object_(
        _MONEY, tx_ref=or_null(TEXT), status=TEXT, ownerId=or_null(TEXT), paymentId=TEXT
    ),
    "TaskNews": object_(
        _MONEY, taskId=TEXT, status=one_of(TaskState), outcome=TEXT, serviceType=or_null(TEXT),
        reference=or_null(TEXT), referenceNumber=or_null(TEXT), gateway=or_null(TEXT),
        paymentId=or_null(TEXT), paidAt=or_null(INSTANT), metadata=NOTES,
    ),
    "CommissionNews": {"type": "object", "properties": {"id": TEXT, "referrerId": TEXT},
                       "required": ["referrerId"], "additionalProperties": True},
    "TierNews": object_(
        referrerId=TEXT, tier=TEXT, commissionRate=NUMBER, commissionPercent=PERCENT
    ),
    "PingNews": NOTES,
}  # fmt: skip
_OF_FAMILIES: Final = {
    "RefundNews": ("refund.requested", "refund.manual", "refund.pending", "refund.succeeded",
                   "refund.failed", "refund.canceled"),
    "GiftCardNews": ("giftcard.issued",),
    "Order": ("order.completed", "order.refunded", "order.review"),
    "TopupNews": ("topup.confirmed",),
    "TaskNews": ("task.completed", "task.payment_failed", "task.canceled"),
    "CommissionNews": ("commission.earned", "commission.approved", "commission.paid",
                       "commission.clawed_back"),
    "TierNews": ("commission.tier_upgraded",),
    "PingNews": (PING,),
}  # fmt: skip
EVENTS: Final[dict[str, str]] = {
    **dict.fromkeys(PAYMENT_EVENTS, "Payment"),
    **{kind: shape for shape, kinds in _OF_FAMILIES.items() for kind in kinds},
}
"""Every type of event, with the shape of its `data`."""

_HEADERS: Final = {
    "webhook-id": "The event's id; the same each time that it is delivered.",
    "webhook-timestamp": "When it was sent, in seconds since 1970.",
    "webhook-signature": "`v1,` and a base64 HMAC-SHA256 of id, timestamp and body with dots "
    "between; two while the secret is replaced.",
}


def webhooks() -> dict[str, Any]:
    """One path item for each type of event (OpenAPI 3.1)."""
    return {kind: {"post": _delivery(kind, shape)} for kind, shape in EVENTS.items()}


def _delivery(kind: str, shape: str) -> dict[str, Any]:
    body = object_(
        type={"type": "string", "const": kind}, timestamp=INSTANT, data=ref(shape)
    )  # fmt: skip
    return {
        "tags": ["events"],
        "summary": f"{kind} is delivered to your endpoint",
        "operationId": f"on_{kind.replace('.', '_')}",
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": words, "schema": TEXT}
            for name, words in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"2XX": {"description": "Taken; anything else is tried again for 3 days."}},
    }
