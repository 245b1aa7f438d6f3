"""The invariants of money that goes back, as queries."""

from typing import Final

from tallystick.domain.refund import HOLDING, REFUND_MOVES
from tallystick.store.audit.base import Check, Each

_HELD: Final = ", ".join(f"'{state}'" for state in sorted(HOLDING))
_GONE: Final = "SUM(CASE WHEN f.state = 'succeeded' THEN f.amount ELSE 0 END)"
_PROMISED: Final = f"SUM(CASE WHEN f.state IN ({_HELD}) THEN f.amount ELSE 0 END)"

_OVERREFUNDED = """
SELECT id AS subject, 'refunded ' || refunded || ' and promised ' || refund_reserved || ' of '
  || received AS wrong
FROM payments WHERE refunded + refund_reserved > received OR refunded < 0 OR refund_reserved < 0
"""
_MISCOUNTED = f"""
SELECT p.id AS subject, 'says refunded ' || p.refunded || ' and promised ' || p.refund_reserved
  || ', its refunds ' || {_GONE} || ' and ' || {_PROMISED} AS wrong
FROM payments p LEFT JOIN refunds f ON f.payment_id = p.id AND f.currency = p.currency
GROUP BY p.id, p.refunded, p.refund_reserved
HAVING p.refunded <> {_GONE} OR p.refund_reserved <> {_PROMISED}
"""  # noqa: S608 - the states of our own table
_MORE_THAN_CAME = f"""
SELECT back.payment_id AS subject, 'gives back ' || back.minor || ' through ' || back.gateway
  || ', which brought ' || back.came AS wrong
FROM (
  SELECT f.payment_id, f.gateway, SUM(f.amount) AS minor, (
    SELECT COALESCE(SUM(r.amount), 0) FROM receipts r WHERE r.payment_id = f.payment_id
    AND r.gateway = f.gateway AND r.account = f.account AND r.currency = f.currency) AS came
  FROM refunds f WHERE f.state = 'succeeded' OR f.state IN ({_HELD})
  GROUP BY f.payment_id, f.gateway, f.account, f.currency
) AS back
WHERE back.minor > back.came
"""  # noqa: S608 - the states of our own table
_TORN = """
SELECT refund_id AS subject, 'went on from ' || state_before || ' where it was ' || was AS wrong
FROM (
  SELECT refund_id, state_before,
    LAG(state_after, 1, 'requested') OVER (PARTITION BY refund_id ORDER BY line) AS was
  FROM refund_moves
) AS moves
WHERE state_before <> was
"""
_ELSEWHERE = """
SELECT f.id AS subject,
  'is ' || f.state || ', its history ends at ' || COALESCE(m.state_after, 'nothing') AS wrong
FROM refunds f LEFT JOIN refund_moves m ON m.refund_id = f.id
  AND m.line = (SELECT MAX(n.line) FROM refund_moves n WHERE n.refund_id = f.id)
WHERE f.state <> COALESCE(m.state_after, 'nothing')
"""
# A refund that came back, and perhaps went through again, is booked under its id and a number.
# `|| ''` keeps SQLite from searching all postings of an account for those of one transfer.
_UNBOOKED = """
SELECT f.id AS subject, 'is ' || f.state || ', and ' || COALESCE(SUM(-p.amount), 0) || ' of its '
  || f.amount || ' is booked' AS wrong
FROM refunds f
LEFT JOIN transfers t ON substr(t.subject, 1, 29) = f.id AND t.payment_id = f.payment_id
  AND t.kind IN ('refund', 'refund_reversal')
LEFT JOIN postings p ON p.transfer_id = t.id AND p.account || '' = 'clearing:' || f.gateway
  AND p.currency = f.currency
GROUP BY f.id, f.state, f.amount
HAVING COALESCE(SUM(-p.amount), 0) <> CASE WHEN f.state = 'succeeded' THEN f.amount ELSE 0 END
"""
_BOOKED_FROM_NOTHING = """
SELECT t.id AS subject, 'books a refund that does not exist' AS wrong
FROM transfers t LEFT JOIN refunds f ON f.id = substr(t.subject, 1, 29)
WHERE t.kind IN ('refund', 'refund_reversal') AND f.id IS NULL
"""
_UNHELD = """
SELECT promised.id AS subject, 'has promised ' || promised.refund_reserved || ', and '
  || promised.apart || ' stands apart for it' AS wrong
FROM (
  SELECT p.id, p.refund_reserved, (
    SELECT COALESCE(-SUM(q.amount), 0) FROM transfers t JOIN postings q ON q.transfer_id = t.id
    WHERE t.payment_id = p.id AND q.currency = p.currency
      AND q.account || '' = 'refunding') AS apart
  FROM payments p
) AS promised
WHERE promised.refund_reserved <> promised.apart
"""
# Of money in other currencies than is due, a payment keeps no sum of its own.
_OTHERS_UNHELD = f"""
SELECT back.payment_id AS subject, 'has promised ' || back.promised || ' ' || back.currency
  || ', and ' || back.apart || ' stands apart for it' AS wrong
FROM (
  SELECT f.payment_id, f.currency,
    SUM(CASE WHEN f.state IN ({_HELD}) THEN f.amount ELSE 0 END) AS promised, (
    SELECT COALESCE(-SUM(q.amount), 0) FROM transfers t JOIN postings q ON q.transfer_id = t.id
    WHERE t.payment_id = f.payment_id AND q.currency = f.currency
      AND q.account || '' = 'refunding') AS apart
  FROM refunds f
  GROUP BY f.payment_id, f.currency
) AS back
WHERE back.promised <> back.apart
"""  # noqa: S608 - the states of our own table

_EDGES: Final = ", ".join(
    sorted(f"'{before}>{signal}>{after}'" for (before, signal), after in REFUND_MOVES.items())
)
_STRAYED = f"""
SELECT refund_id AS subject,
  'went from ' || state_before || ' to ' || state_after || ' on ' || signal AS wrong
FROM refund_moves
WHERE state_before || '>' || signal || '>' || state_after NOT IN ({_EDGES})
"""  # noqa: S608 - the moves of our own table

CHECKS: Final = (
    Check("M5", "No more has gone back, or is promised back, than was received.",
          Each("payments", _OVERREFUNDED, _MISCOUNTED),
          Each("refunds", _MORE_THAN_CAME, key="payment_id")),
    Check("R1", "Every refund is where its history leads, by moves of the table.",
          Each("refund_moves", _STRAYED, _TORN, key="refund_id"), Each("refunds", _ELSEWHERE)),
    Check("R2", "The ledger has every refund once, and what is promised stands apart.",
          Each("refunds", _UNBOOKED), Each("transfers", _BOOKED_FROM_NOTHING),
          Each("payments", _UNHELD), Each("refunds", _OTHERS_UNHELD, key="payment_id")),
)  # fmt: skip
