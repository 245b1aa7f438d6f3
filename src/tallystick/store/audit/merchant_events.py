"""What merchants are told: numbered without gaps, and never forgotten on the way to anybody."""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, select

from tallystick.store.audit.base import Check, Each, Rows, queries
from tallystick.store.feed import matching
from tallystick.store.schema.core import outbox
from tallystick.store.schema.merchant_events import deliveries, feed, webhook_endpoints

_UNNUMBERED = """
SELECT o.id AS subject, 'is told to nobody: it has no number and will get none' AS wrong
FROM outbox o LEFT JOIN feed f ON f.event_id = o.id LEFT JOIN unnumbered u ON u.event_id = o.id
WHERE f.seq IS NULL AND u.n IS NULL
"""
_ASLEEP = """
SELECT d.event_id AS subject, 'waits behind nothing for ' || d.endpoint_id AS wrong
FROM deliveries d WHERE d.state = 'waiting' AND d.due_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM deliveries e WHERE e.endpoint_id = d.endpoint_id AND e.state = 'waiting'
  AND e.seq < d.seq AND (e.subject = d.subject OR e.payment_id = d.payment_id))
"""
_HOPELESS = """
SELECT d.event_id AS subject, 'waits for ' || d.endpoint_id || ', which is disabled' AS wrong
FROM deliveries d JOIN webhook_endpoints w ON w.id = d.endpoint_id
WHERE d.state = 'waiting' AND w.state <> 'enabled'
"""
_HOLED = """
SELECT 'The feed' AS subject, 'has ' || f.seq || ' and not the number before it' AS wrong
FROM feed f WHERE f.seq > 1 AND NOT EXISTS (SELECT 1 FROM feed b WHERE b.seq = f.seq - 1)
"""
_ENABLED = select(
    webhook_endpoints.c.id, webhook_endpoints.c.events, webhook_endpoints.c.since_seq
).where(webhook_endpoints.c.state == "enabled")
_UNSENT = (
    select(feed.c.event_id)
    .join(outbox, outbox.c.id == feed.c.event_id)
    .outerjoin(
        deliveries,
        (deliveries.c.event_id == feed.c.event_id)
        & (deliveries.c.endpoint_id == bindparam("endpoint")),
    )
    .where(
        feed.c.seq > bindparam("since"),
        feed.c.seq <= bindparam("until"),
        deliveries.c.state.is_(None),
    )
    .order_by(feed.c.seq)
)


class Unsent(Rows):
    """A walk along the feed: what endpoints want, and is no delivery of theirs."""

    def __init__(self) -> None:
        super().__init__("feed", "seq")

    def broken(self, tx: Connection, after: str, until: str) -> Iterator[str]:
        """A line for each event of the slice that was never to go where it is wanted."""
        for endpoint in tx.execute(_ENABLED).all():
            wanted = _UNSENT.where(matching(endpoint.events))
            since = max(endpoint.since_seq, int(after or 0))
            values = {"endpoint": endpoint.id, "since": since, "until": int(until)}
            for event_id in tx.execute(wanted, values).scalars():
                yield f"{event_id} was never to go to {endpoint.id}, which wants it"

    def touched(self, tx: Connection, payment_ids: Sequence[str]) -> Iterator[str]:
        """Numbers belong to no payment."""
        return iter(())


CHECKS: Final = (
    Check("F4", "Every event for merchants has its number or will get it, and is delivered, due "
          "or given up for each endpoint that wants it.",
          Each("outbox", _UNNUMBERED), queries(_ASLEEP, _HOPELESS), Unsent()),
    Check("F5", "The feed has no gaps.", Each("feed", _HOLED, key="seq")),
)  # fmt: skip
