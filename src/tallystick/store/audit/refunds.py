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
  SELECT payment_id, SUM(CASE WHEN state = 'succeeded' THEN amount ELSE 0 END) AS gone,
    SUM(CASE WHEN state IN ({_HELD}) THEN amount ELSE 0 END) AS held
  FROM refunds GROUP BY payment_id
) AS f ON f.payment_id = p.id
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
SELECT p.id AS subject, 'has promised ' || p.refund_reserved || ', and ' || COALESCE(h.minor, 0)
  || ' stands apart for it' AS wrong
FROM payments p LEFT JOIN (
  SELECT t.payment_id, -SUM(q.amount) AS minor
  FROM postings q JOIN transfers t ON t.id = q.transfer_id
  WHERE q.account = 'refunding' GROUP BY t.payment_id
) AS h ON h.payment_id = p.id
WHERE p.refund_reserved <> COALESCE(h.minor, 0)
"""

_EDGES = sorted(f"{before}>{signal}>{after}" for (before, signal), after in REFUND_MOVES.items())
_STRAYED = text(_NO_MOVE).bindparams(bindparam("edges", _EDGES, expanding=True))


def _history(tx: Connection) -> Iterator[str]:
    return told(tx, (_STRAYED, text(_TORN), text(_ELSEWHERE)))


CHECKS: Final = (
    Check("M5", "No more has gone back, or is promised back, than was received.",
          queries(_OVERREFUNDED, _MISCOUNTED, _MORE_THAN_CAME)),
    Check("R1", "Every refund is where its history leads, by moves of the table.", _history),
    Check("R2", "The ledger has every refund once, and what is promised stands apart.",
          queries(_UNBOOKED, _BOOKED_FROM_NOTHING, _UNHELD)),
)  # fmt: skip
