"""What merchants are told: numbered without gaps, and never forgotten on the way to anybody."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, bindparam, select, text

from tallystick.store.audit.base import Check, queries, told
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
SELECT 'The feed' AS subject, 'has ' || counted || ' numbers up to ' || newest AS wrong
FROM (SELECT COUNT(*) AS counted, MAX(seq) AS newest FROM feed) AS numbers
WHERE counted <> newest
"""
_QUERIES = (text(_UNNUMBERED), text(_ASLEEP), text(_HOPELESS))
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
    .where(feed.c.seq > bindparam("since"), deliveries.c.state.is_(None))
    .order_by(feed.c.seq)
)


def _forgotten(tx: Connection) -> Iterator[str]:
    yield from told(tx, _QUERIES)
    for endpoint in tx.execute(_ENABLED).all():
        wanted = _UNSENT.where(matching(endpoint.events))
        values = {"endpoint": endpoint.id, "since": endpoint.since_seq}
        for event_id in tx.execute(wanted, values).scalars():
            yield f"{event_id} was never to go to {endpoint.id}, which wants it"


CHECKS: Final = (
    Check("F4", "Every event for merchants has its number or will get it, and is delivered, due "
          "or given up for each endpoint that wants it.", _forgotten),
    Check("F5", "The feed has no gaps.", queries(_HOLED)),
)  # fmt: skip
