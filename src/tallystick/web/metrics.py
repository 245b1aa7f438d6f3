"""What is counted, for Prometheus."""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

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
TROUBLED: Final = Gauge(
    "tallystick_inbox_troubled", "Notices that a person may have to look at, by what is wrong.",
    ("state",), registry=REGISTRY,
)  # fmt: skip
OLDEST: Final = Gauge(
    "tallystick_oldest_undelivered_seconds", "Age of the oldest event that an endpoint waits for.",
    registry=REGISTRY,
)  # fmt: skip
DISABLED: Final = Gauge(
    "tallystick_webhook_endpoints_disabled", "Endpoints that get nothing.", registry=REGISTRY
)
SILENT: Final = Gauge(
    "tallystick_gateway_silent", "1 while a gateway does not answer this process.", ("gateway",),
    registry=REGISTRY,
)  # fmt: skip
CLOCK_AHEAD: Final = Gauge(
    "tallystick_gateway_clock_ahead_seconds", "How far a gateway's clock is ahead of ours.",
    ("host",), registry=REGISTRY,
)  # fmt: skip
EXPIRY_HELD: Final = Gauge(
    "tallystick_expiry_held", "1 while nothing expires, because our clock is in doubt.",
    registry=REGISTRY,
)  # fmt: skip

LINKS: Final = Gauge(
    "tallystick_proof_links", "Links in the chain of the proof.", registry=REGISTRY
)  # fmt: skip
HEAD: Final = Gauge(
    "tallystick_proof_head", "The first 48 bits of the newest link's hash.", registry=REGISTRY
)  # fmt: skip


class _Deliveries(Collector):
    """Counted in the database, because several processes deliver."""

    def __init__(self) -> None:
        self.outcomes: Mapping[str, int] = {}

    def collect(self) -> Iterator[Metric]:
        """What came of every try, as it was last read."""
        family = CounterMetricFamily(
            "tallystick_deliveries", "Deliveries to webhook endpoints by outcome.",
            labels=["outcome"],
        )  # fmt: skip
        for outcome, count in self.outcomes.items():
            family.add_metric([outcome], count)
        yield family


DELIVERIES: Final = _Deliveries()
REGISTRY.register(DELIVERIES)


def exposition() -> bytes:
    """The Prometheus text of all of them."""
    return generate_latest(REGISTRY)
