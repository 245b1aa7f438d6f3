"""What is counted, for Prometheus."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

REGISTRY: Final = CollectorRegistry()
NOTICES: Final = Counter(
    "tallystick_notices", "Webhooks by gateway and outcome.", ("gateway", "outcome"),
    registry=REGISTRY,
)  # fmt: skip
REQUESTS: Final = Counter(
    "tallystick_requests", "Answers by status class.", ("status",), registry=REGISTRY
)
SECONDS: Final = Histogram(
    "tallystick_request_seconds", "Time to answer.", registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
GUESSES: Final = Counter(
    "tallystick_gift_card_guesses", "Codes of no gift card, by outcome.", ("outcome",),
    registry=REGISTRY,
)  # fmt: skip
STREAMS: Final = Gauge("tallystick_streams", "Open streams.", registry=REGISTRY)
INBOX: Final = Gauge("tallystick_inbox_waiting", "Notices kept, not handled.", registry=REGISTRY)


def exposition() -> bytes:
    """The Prometheus text of all of them."""
    return generate_latest(REGISTRY)
