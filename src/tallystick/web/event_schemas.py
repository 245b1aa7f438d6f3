"""What merchants' systems are sent, as the `webhooks` of the API description."""

from collections.abc import Mapping
from typing import Any, Final

from tallystick.domain.event import PAYMENT_EVENTS, PING
from tallystick.flows.book_refund import RefundNews
from tallystick.flows.feed import PingNews
from tallystick.web.answer_schemas import Schemas
from tallystick.web.schema_parts import INSTANT, TEXT, object_, ref

EVENT_SCHEMAS: Final = Schemas(RefundNews, PingNews)
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
