"""The invariants of orders, their licences and their coupons, as queries."""

from typing import Final

from tallystick.store.audit.base import Check, Each

_RESERVED: Final = "SUM(CASE WHEN u.state = 'reserved' THEN 1 ELSE 0 END)"
_REDEEMED: Final = "SUM(CASE WHEN u.state = 'redeemed' THEN 1 ELSE 0 END)"
_MISCOUNTED = f"""
SELECT c.code AS subject, 'says ' || c.reserved || ' reserved and ' || c.redeemed
  || ' redeemed, its uses ' || {_RESERVED} || ' and ' || {_REDEEMED} AS wrong
FROM coupons c LEFT JOIN coupon_uses u ON u.coupon_id = c.id
GROUP BY c.id, c.code, c.reserved, c.redeemed
HAVING c.reserved <> {_RESERVED} OR c.redeemed <> {_REDEEMED}
"""  # noqa: S608 - put together from constants
_OVERUSED = """
SELECT code AS subject,
  'is used ' || (reserved + redeemed) || ' times of ' || max_redemptions AS wrong
FROM coupons WHERE reserved + redeemed > max_redemptions
"""
_CUSTOMER_MISCOUNTED = """
SELECT c.code AS subject,
  'says ' || k.used || ' for a customer with ' || COUNT(u.order_id) || ' uses' AS wrong
FROM coupon_customers k JOIN coupons c ON c.id = k.coupon_id
LEFT JOIN coupon_uses u ON u.coupon_id = k.coupon_id AND u.customer = k.customer
  AND u.state IN ('reserved', 'redeemed')
GROUP BY c.code, k.coupon_id, k.customer, k.used HAVING k.used <> COUNT(u.order_id)
"""
_CUSTOMER_OVERUSED = """
SELECT c.code AS subject, 'is used ' || k.used || ' times by one customer, of '
  || c.per_customer AS wrong
FROM coupon_customers k JOIN coupons c ON c.id = k.coupon_id
WHERE k.used > c.per_customer AND k.used > k.granted
"""
_UNUSED = """
SELECT o.id AS subject, 'has a coupon, and no use of it is counted' AS wrong
FROM orders o LEFT JOIN coupon_uses u ON u.order_id = o.id AND u.coupon_id = o.coupon_id
WHERE o.coupon_id IS NOT NULL AND u.order_id IS NULL
"""
_LICENSED_UNPAID = """
SELECT l.id AS subject, 'is a licence of an order that is ' || o.status || ', its payment '
  || p.phase AS wrong
FROM licences l JOIN orders o ON o.id = l.order_id JOIN payments p ON p.id = o.payment_id
WHERE p.phase <> 'paid' OR o.status IN ('pending', 'failed')
"""
_LICENSED_TWICE = """
SELECT order_id AS subject, 'has ' || COUNT(*) || ' licences' AS wrong
FROM licences GROUP BY order_id HAVING COUNT(*) > 1
"""
_OUT_OF_STEP = """
SELECT o.id AS subject, 'is ' || o.status || ', its payment ' || p.phase AS wrong
FROM orders o JOIN payments p ON p.id = o.payment_id
WHERE CASE
  WHEN o.status = 'pending' AND o.review IS NOT NULL THEN p.phase <> 'paid'
  WHEN o.status = 'pending' THEN p.phase NOT IN ('draft', 'open', 'processing')
  WHEN o.status = 'failed' THEN p.phase NOT IN ('expired', 'canceled')
  ELSE p.phase <> 'paid' END
"""
_MISPRICED = """
SELECT o.id AS subject, 'costs ' || o.amount || ' ' || o.currency || ', its payment asks '
  || p.amount || ' ' || p.currency AS wrong
FROM orders o JOIN payments p ON p.id = o.payment_id
WHERE o.amount <> p.amount OR o.currency <> p.currency
  OR o.amount <> o.unit_amount * o.quantity - o.coupon_discount - o.referral_discount
"""
_ORDERLESS = """
SELECT p.id AS subject, 'is for an order that does not exist' AS wrong
FROM payments p LEFT JOIN orders o ON o.payment_id = p.id
WHERE p.purpose = 'order' AND o.id IS NULL
"""

CHECKS: Final = (
    Check("M7", "Every coupon counts its uses, and none is used more often than it may be.",
          Each("coupons", _MISCOUNTED, _OVERUSED),
          Each("coupon_customers", _CUSTOMER_MISCOUNTED, _CUSTOMER_OVERUSED, key="coupon_id"),
          Each("orders", _UNUSED)),
    Check("O3", "There is a licence only where an order is paid, and one for each.",
          Each("licences", _LICENSED_UNPAID, _LICENSED_TWICE, key="order_id")),
    Check("O1", "An order stands where its payment stands.",
          Each("orders", _OUT_OF_STEP), Each("payments", _ORDERLESS)),
    Check("O2", "What an order costs adds up, and is what its payment asks.",
          Each("orders", _MISPRICED)),
)  # fmt: skip
