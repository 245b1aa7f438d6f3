"""The invariants of sales, their daily sums and commissions, as queries."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.products.revenue import sale_rows
from tallystick.store.audit.base import Check, Each

_TWO_COMMISSIONS = """
SELECT order_id AS subject, 'has ' || COUNT(*) || ' commissions' AS wrong
FROM commissions GROUP BY order_id HAVING COUNT(*) > 1
"""
_NOT_EARNED_ONCE = """
SELECT c.id AS subject,
  'says ' || c.amount || ', earned ' || COALESCE(SUM(l.amount), 0) || ' in ' || COUNT(l.line)
    || ' lines' AS wrong
FROM commissions c
LEFT JOIN commission_lines l ON l.commission_id = c.id AND l.kind = 'earned'
  AND l.currency = c.currency AND l.referrer_id = c.referrer_id
GROUP BY c.id, c.amount, c.usd_cents, c.order_usd_cents
HAVING COUNT(l.line) <> 1 OR SUM(l.amount) <> c.amount OR SUM(l.usd_cents) <> c.usd_cents
  OR SUM(l.order_usd_cents) <> c.order_usd_cents
"""
_OVERCLAWED = """
SELECT commission_id AS subject, 'was clawed back beyond what it earned' AS wrong
FROM commission_lines WHERE kind <> 'paid_out'
GROUP BY commission_id
HAVING SUM(amount) < 0 OR SUM(usd_cents) < 0 OR SUM(order_usd_cents) < 0
"""
_CLAWED_ASIDE = """
SELECT clawed.id AS subject, 'is clawed back by ' || clawed.back || ' of the order, refunded by '
  || clawed.refunded AS wrong
FROM (
  SELECT c.id,
    (SELECT -COALESCE(SUM(l.order_usd_cents), 0) FROM commission_lines l
      WHERE l.commission_id = c.id AND l.kind = 'clawed_back') AS back,
    (SELECT COALESCE(SUM(s.usd_cents), 0) FROM sales s
      WHERE s.order_id = c.order_id AND s.kind = 'refund') AS refunded
  FROM commissions c
) AS clawed
WHERE clawed.back <> clawed.refunded
"""
_PAID_ASIDE = """
SELECT c.id AS subject, 'is ' || c.status || ' with ' || COUNT(l.line) || ' payouts' AS wrong
FROM commissions c
LEFT JOIN commission_lines l ON l.commission_id = c.id AND l.kind = 'paid_out'
GROUP BY c.id, c.status
HAVING COUNT(l.line) <> CASE WHEN c.status = 'paid' THEN 1 ELSE 0 END
"""
_UNSOLD = """
SELECT c.order_id AS subject, 'pays a commission on what was not sold so' AS wrong
FROM commissions c
LEFT JOIN sales s ON s.kind = 'sale' AND s.subject = c.order_id AND s.amount = c.order_amount
  AND s.currency = c.currency AND s.usd_cents = c.order_usd_cents
WHERE s.subject IS NULL
"""
_UNBOOKED = """
SELECT o.id AS subject, 'was delivered and not booked at its worth' AS wrong
FROM orders o
LEFT JOIN sales s ON s.kind = 'sale' AND s.subject = o.id AND s.payment_id = o.payment_id
  AND s.product = o.product_type AND s.provider = o.gateway AND s.amount = o.amount
  AND s.currency = o.currency AND s.usd_cents = o.usd_cents AND s.rate_source = o.usd_source
WHERE o.completed_at IS NOT NULL AND s.subject IS NULL
"""
_BOOKED_FROM_NOTHING = """
SELECT s.subject, 'is booked and was never delivered' AS wrong
FROM sales s LEFT JOIN orders o ON o.id = s.order_id AND o.completed_at IS NOT NULL
WHERE o.id IS NULL
"""
_MISRETURNED = """
SELECT o.id AS subject, 'is ' || o.status || ' with ' || COALESCE(SUM(s.amount), 0)
  || ' of ' || o.amount || ' booked back' AS wrong
FROM orders o LEFT JOIN sales s ON s.order_id = o.id AND s.kind = 'refund'
WHERE o.completed_at IS NOT NULL
GROUP BY o.id, o.status, o.amount
HAVING o.status <> CASE WHEN COUNT(s.subject) = 0 THEN 'completed'
  WHEN SUM(s.amount) < o.amount THEN 'partially_refunded' ELSE 'refunded' END
"""
_UNSHARED = """
SELECT o.id AS subject, 'was referred and pays no commission' AS wrong
FROM orders o JOIN referrers r ON r.id = o.referred_by
LEFT JOIN commissions c ON c.order_id = o.id AND c.referrer_id = o.referred_by
WHERE o.completed_at IS NOT NULL AND c.id IS NULL
"""
_OVERRETURNED = """
SELECT order_id AS subject, 'gave back more than it brought' AS wrong
FROM sales GROUP BY order_id
HAVING SUM(CASE kind WHEN 'sale' THEN amount ELSE -amount END) < 0
  OR SUM(CASE kind WHEN 'sale' THEN usd_cents ELSE -usd_cents END) < 0
"""


class Days:
    """A walk along the days that have sales, or sums of them; one day is a slice."""

    name: Final = "days"

    def border(
        self,
        tx: Connection,
        after: str,
        many: int,
    ) -> tuple[str, bool] | None:
        """The next day with anything in it."""
        day = sale_rows.day_after(tx, after)
        return None if day is None else (day, True)

    def broken(self, tx: Connection, after: str, until: str) -> Iterator[str]:
        """What is wrong with the sums of this day."""
        return sale_rows.wrong_sums(tx, until)

    def touched(self, tx: Connection, payment_ids: Sequence[str]) -> Iterator[str]:
        """Days belong to no payment."""
        return iter(())

    def settled(self, until: str, now: datetime) -> str:
        """Days that are over in every time zone."""
        return min(until, (now - timedelta(days=2)).date().isoformat())


CHECKS: Final = (
    Check("M8", "An order pays at most one commission, and a refund claws back its share.",
          Each("commissions", _NOT_EARNED_ONCE, _CLAWED_ASIDE, _PAID_ASIDE, _UNSOLD),
          Each("commissions", _TWO_COMMISSIONS, key="order_id"),
          Each("commission_lines", _OVERCLAWED, key="commission_id"), Each("orders", _UNSHARED)),
    Check("E1", "The daily sums of revenue are the sums of the sales.", Days()),
    Check("E2", "Every delivered order is a sale at its frozen worth, and gives back no more.",
          Each("orders", _UNBOOKED, _MISRETURNED),
          Each("sales", _BOOKED_FROM_NOTHING, _OVERRETURNED, key="order_id")),
)  # fmt: skip
