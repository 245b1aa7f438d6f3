"""What merchants' systems are sent, as the `webhooks` of the API description."""

from collections.abc import Mapping
from typing import Any, Final

from tallystick.domain.event import PAYMENT_EVENTS, PING
from tallystick.domain.refund import RefundSource, RefundState
from tallystick.web.schema_parts import (
    CURRENCY,
    FLAG,
    INSTANT,
    MINOR,
    NOTES,
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
    "PingNews": NOTES,
}  # fmt: skip
_OF_FAMILIES: Final = {
    "RefundNews": ("refund.requested", "refund.manual", "refund.pending", "refund.succeeded",
                   "refund.failed", "refund.canceled"),
    "PingNews": (PING,),
}  # fmt: skip
EVENTS: Final[dict[str, str]] = {
    **dict.fromkeys(PAYMENT_EVENTS, "Payment"),
    **{kind: shape for shape, kinds in _OF_FAMILIES.items() for kind in kinds},
}
"""The core's types of events, with the shape of their `data`. Products add theirs."""

_HEADERS: Final = {
    "webhook-id": "The event's id; the same each time that it is delivered.",
    "webhook-timestamp": "When it was sent, in seconds since 1970.",
    "webhook-signature": "`v1,` and a base64 HMAC-SHA256 of id, timestamp and body with dots "
    "between; two while the secret is replaced.",
}


def webhooks(events: Mapping[str, str]) -> dict[str, Any]:
    """One path item for each of these types of events (OpenAPI 3.1)."""
    return {kind: {"post": _delivery(kind, shape)} for kind, shape in events.items()}


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
