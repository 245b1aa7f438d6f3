"""The invariants of sales, their daily sums and commissions, as queries."""

from typing import Final

from tallystick.store import sales
from tallystick.store.audit.base import Check, queries

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
SELECT c.id AS subject, 'is clawed back by ' || c.back || ' of the order, refunded by '
  || COALESCE(s.back, 0) AS wrong
FROM (SELECT c.id, c.order_id, -COALESCE(SUM(l.order_usd_cents), 0) AS back
  FROM commissions c
  LEFT JOIN commission_lines l ON l.commission_id = c.id AND l.kind = 'clawed_back'
  GROUP BY c.id, c.order_id) c
LEFT JOIN (SELECT order_id, SUM(usd_cents) AS back FROM sales WHERE kind = 'refund'
  GROUP BY order_id) s ON s.order_id = c.order_id
WHERE c.back <> COALESCE(s.back, 0)
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
HAVING o.status <> CASE WHEN COALESCE(SUM(s.amount), 0) = 0 THEN 'completed'
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

CHECKS: Final = (
    Check("M8", "An order pays at most one commission, and a refund claws back its share.",
          queries(_TWO_COMMISSIONS, _NOT_EARNED_ONCE, _OVERCLAWED, _CLAWED_ASIDE, _PAID_ASIDE,
                  _UNSOLD, _UNSHARED)),
    Check("E1", "The daily sums of revenue are the sums of the sales.", sales.differences),
    Check("E2", "Every delivered order is a sale at its frozen worth, and gives back no more.",
          queries(_UNBOOKED, _BOOKED_FROM_NOTHING, _MISRETURNED, _OVERRETURNED)),
)  # fmt: skip
