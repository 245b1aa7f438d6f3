"""Events for merchants: their types, what an endpoint wishes to hear, and the bytes that go out."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from tallystick.domain.document import instant

PAYMENT_EVENTS: Final = tuple(
    f"payment.{what}"
    for what in (
        "opened", "processing", "paid", "underpaid", "overpaid", "paid_late", "expired",
        "canceled", "review", "disputed",
    )
)  # fmt: skip
CORE_FAMILIES: Final = ("payment", "refund")
"""What stands before the dot. Products have families of their own."""

PING: Final = "ping"
_PATTERN: Final = re.compile(r"([a-z]+)\.(\*|[a-z_]+)")
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def is_pattern(text: str, sold: Iterable[str]) -> bool:
    """Whether it can name events: `*`, `payment.*`, `payment.paid` … and no word mistyped.

    `sold` are the types of the products' events.
    """
    if text == "*":
        return True
    found = _PATTERN.fullmatch(text)
    families = {*CORE_FAMILIES, *(kind.partition(".")[0] for kind in sold)}
    if found is None or found[1] not in families:
        return False
    return found[1] != "payment" or found[2] == "*" or text in PAYMENT_EVENTS


def wants(patterns: Iterable[str], kind: str) -> bool:
    """Whether one of the patterns names this type of event."""
    family = kind.partition(".")[0]
    return any(pattern in ("*", kind, f"{family}.*") for pattern in patterns)


def payload(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The body of a delivery, as the Standard Webhooks specification has it."""
    return _compact({"type": kind, "timestamp": instant(at), "data": data}).encode()
