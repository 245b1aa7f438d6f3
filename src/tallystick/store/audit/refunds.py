"""The invariants of money that goes back, as queries."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, bindparam, text

from tallystick.domain.refund import HOLDING, REFUND_MOVES
from tallystick.store.audit.base import Check, queries, told

_HELD: Final = ", ".join(f"'{state}'" for state in sorted(HOLDING))

_OVERREFUNDED = """
SELECT id AS subject, 'refunded ' || refunded || ' and promised ' || refund_reserved || ' of '
  || received AS wrong
FROM payments WHERE refunded + refund_reserved > received OR refunded < 0 OR refund_reserved < 0
"""
_MISCOUNTED = f"""
SELECT p.id AS subject, 'says refunded ' || p.refunded || ' and promised ' || p.refund_reserved
  || ', its refunds ' || COALESCE(f.gone, 0) || ' and ' || COALESCE(f.held, 0) AS wrong
FROM payments p LEFT JOIN (
  SELECT payment_id, currency, SUM(CASE WHEN state = 'succeeded' THEN amount ELSE 0 END) AS gone,
    SUM(CASE WHEN state IN ({_HELD}) THEN amount ELSE 0 END) AS held
  FROM refunds GROUP BY payment_id, currency
) AS f ON f.payment_id = p.id AND f.currency = p.currency
WHERE p.refunded <> COALESCE(f.gone, 0) OR p.refund_reserved <> COALESCE(f.held, 0)
"""  # noqa: S608 - the states of our own table
_MORE_THAN_CAME = f"""
SELECT f.payment_id AS subject, 'gives back ' || f.back || ' through ' || f.gateway
  || ', which brought ' || COALESCE(r.came, 0) AS wrong
FROM (
  SELECT payment_id, gateway, account, currency, SUM(amount) AS back FROM refunds
  WHERE state = 'succeeded' OR state IN ({_HELD})
  GROUP BY payment_id, gateway, account, currency
) AS f LEFT JOIN (
  SELECT payment_id, gateway, account, currency, SUM(amount) AS came FROM receipts
  GROUP BY payment_id, gateway, account, currency
) AS r ON r.payment_id = f.payment_id AND r.gateway = f.gateway AND r.account = f.account
  AND r.currency = f.currency
WHERE f.back > COALESCE(r.came, 0)
"""  # noqa: S608 - the states of our own table
_NO_MOVE = """
SELECT refund_id AS subject,
  'went from ' || state_before || ' to ' || state_after || ' on ' || signal AS wrong
FROM refund_moves
WHERE state_before || '>' || signal || '>' || state_after NOT IN :edges
"""
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
FROM refunds f
LEFT JOIN (SELECT refund_id, MAX(line) AS line FROM refund_moves GROUP BY refund_id) AS newest
  ON newest.refund_id = f.id
LEFT JOIN refund_moves m ON m.refund_id = newest.refund_id AND m.line = newest.line
WHERE f.state <> COALESCE(m.state_after, 'nothing')
"""
# `|| ''` keeps SQLite from searching all postings of an account for those of one transfer.
_UNBOOKED = """
SELECT f.id AS subject, 'has succeeded and is not booked once' AS wrong
FROM refunds f
LEFT JOIN transfers t ON t.kind = 'refund' AND t.subject = f.id AND t.payment_id = f.payment_id
LEFT JOIN postings p ON p.transfer_id = t.id AND p.account || '' = 'clearing:' || f.gateway
  AND p.amount = -f.amount AND p.currency = f.currency
WHERE f.state = 'succeeded'
GROUP BY f.id HAVING COUNT(p.transfer_id) <> 1
"""
_BOOKED_FROM_NOTHING = """
SELECT t.id AS subject, 'books a refund that has not succeeded' AS wrong
FROM transfers t LEFT JOIN refunds f ON f.id = t.subject AND f.state = 'succeeded'
WHERE t.kind = 'refund' AND f.id IS NULL
"""
_UNHELD = """
SELECT p.id AS subject, 'has promised ' || p.refund_reserved || ', and ' || COALESCE(h.minor, 0)
  || ' stands apart for it' AS wrong
FROM payments p LEFT JOIN (
  SELECT t.payment_id, q.currency, -SUM(q.amount) AS minor
  FROM postings q JOIN transfers t ON t.id = q.transfer_id
  WHERE q.account = 'refunding' GROUP BY t.payment_id, q.currency
) AS h ON h.payment_id = p.id AND h.currency = p.currency
WHERE p.refund_reserved <> COALESCE(h.minor, 0)
"""
# Of money in other currencies than is due, a payment keeps no sum of its own.
_OTHERS_UNHELD = f"""
SELECT payment_id AS subject, 'has promised ' || SUM(promised) || ' ' || currency || ', and '
  || SUM(apart) || ' stands apart for it' AS wrong
FROM (
  SELECT f.payment_id, f.currency, f.amount AS promised, 0 AS apart
  FROM refunds f JOIN payments p ON p.id = f.payment_id
  WHERE f.currency <> p.currency AND f.state IN ({_HELD})
  UNION ALL SELECT t.payment_id, q.currency, 0, -q.amount
  FROM postings q JOIN transfers t ON t.id = q.transfer_id JOIN payments p ON p.id = t.payment_id
  WHERE q.account = 'refunding' AND q.currency <> p.currency
) AS promises GROUP BY payment_id, currency HAVING SUM(promised) <> SUM(apart)
"""  # noqa: S608 - the states of our own table

_EDGES = sorted(f"{before}>{signal}>{after}" for (before, signal), after in REFUND_MOVES.items())
_STRAYED = text(_NO_MOVE).bindparams(bindparam("edges", _EDGES, expanding=True))


def _history(tx: Connection) -> Iterator[str]:
    return told(tx, (_STRAYED, text(_TORN), text(_ELSEWHERE)))


CHECKS: Final = (
    Check("M5", "No more has gone back, or is promised back, than was received.",
          queries(_OVERREFUNDED, _MISCOUNTED, _MORE_THAN_CAME)),
    Check("R1", "Every refund is where its history leads, by moves of the table.", _history),
    Check("R2", "The ledger has every refund once, and what is promised stands apart.",
          queries(_UNBOOKED, _BOOKED_FROM_NOTHING, _UNHELD, _OTHERS_UNHELD)),
)  # fmt: skip
