"""The invariants of payments, their evidence and the books, as queries."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, exists, func, or_, select, text

from tallystick.domain.budget import SAVED_S
from tallystick.domain.payment import BY_A_PERSON, MOVES, Phase
from tallystick.store.audit.base import Check, Each, queries
from tallystick.store.audit.folds import Folds
from tallystick.store.schema import append_only, frozen
from tallystick.store.schema.core import budgets, job_runs, payments, schedules

OVERDUE_AFTER: Final = timedelta(minutes=15)
OVERDUE_AT_WORST: Final = timedelta(days=1)
POLLER: Final = "poll-gateways"

# Where each transfer sums to zero, each currency does.
_UNBALANCED = """
SELECT transfer_id AS subject, 'sums to ' || SUM(amount) || ' ' || currency AS wrong
FROM postings GROUP BY transfer_id, currency HAVING SUM(amount) <> 0
"""
_ONE_SIDED = """
SELECT t.id AS subject, 'has ' || COUNT(p.line) || ' postings' AS wrong
FROM transfers t LEFT JOIN postings p ON p.transfer_id = t.id
GROUP BY t.id HAVING COUNT(p.line) < 2
"""
_MISCOUNTED = """
SELECT p.id AS subject,
  'says received ' || p.received || ', its receipts ' || COALESCE(SUM(r.amount), 0) AS wrong
FROM payments p LEFT JOIN receipts r ON r.payment_id = p.id AND r.currency = p.currency
GROUP BY p.id, p.received HAVING p.received <> COALESCE(SUM(r.amount), 0)
"""
_MISCACHED = """
SELECT b.account || ' ' || b.currency AS subject,
  'says ' || b.amount || ', its postings ' || COALESCE(-SUM(p.amount), 0) AS wrong
FROM balances b LEFT JOIN postings p ON p.account = b.account AND p.currency = b.currency
GROUP BY b.account, b.currency, b.amount HAVING b.amount <> COALESCE(-SUM(p.amount), 0)
"""
_UNCACHED = """
SELECT p.account || ' ' || p.currency AS subject, 'has postings and no balance' AS wrong
FROM postings p LEFT JOIN balances b ON b.account = p.account AND b.currency = p.currency
WHERE (p.account LIKE 'wallet:%' OR p.account LIKE 'gift_card:%' OR p.account LIKE 'held:%')
  AND b.account IS NULL
"""
_OVERDRAWN = """
SELECT account || ' ' || currency AS subject, 'stands at ' || amount AS wrong
FROM balances WHERE amount < 0
"""
_CREDITED_TWICE = """
SELECT r.gateway || ' ' || r.transaction_id AS subject, 'has more than one receipt' AS wrong
FROM receipts r WHERE EXISTS (
  SELECT 1 FROM receipts o WHERE o.gateway = r.gateway AND o.account = r.account
  AND o.transaction_id = r.transaction_id AND o.id <> r.id)
"""
# `|| ''` keeps SQLite from searching all postings of an account for those of one transfer.
_UNBOOKED = """
SELECT r.id AS subject, 'is not booked once, as it was received' AS wrong
FROM receipts r
LEFT JOIN transfers t ON t.kind = 'receipt' AND t.subject = r.id AND t.payment_id = r.payment_id
LEFT JOIN postings d ON d.transfer_id = t.id
  AND d.account || '' IN ('clearing:' || r.gateway, 'suspense:unowned')
  AND d.amount = r.amount AND d.currency = r.currency
LEFT JOIN postings c ON c.transfer_id = t.id AND c.account || '' = 'suspense'
  AND c.amount = -r.amount AND c.currency = r.currency
GROUP BY r.id HAVING COUNT(d.transfer_id) <> 1 OR COUNT(c.transfer_id) <> 1
"""
_BOOKED_FROM_NOTHING = """
SELECT t.id AS subject, 'books a receipt that does not exist' AS wrong
FROM transfers t LEFT JOIN receipts r ON r.id = t.subject
WHERE t.kind = 'receipt' AND r.id IS NULL
"""
_BOOKED_OTHERWISE = """
SELECT c.id AS subject, 'is not booked once, as it came' AS wrong
FROM credits c
LEFT JOIN transfers u ON u.kind = 'credit' AND u.subject = c.id
LEFT JOIN postings s ON s.transfer_id = u.id AND s.account || '' = 'clearing:' || c.gateway
  AND s.amount = c.amount AND s.currency = c.currency
LEFT JOIN receipts r ON r.gateway = c.gateway AND r.account = c.account
  AND r.transaction_id = c.transaction_id
LEFT JOIN transfers t ON t.kind = 'receipt' AND t.subject = r.id
LEFT JOIN postings d ON d.transfer_id = t.id AND d.account || '' = 'clearing:' || c.gateway
  AND d.amount = c.amount AND d.currency = c.currency
WHERE c.counted <> CASE WHEN s.transfer_id IS NULL THEN 0 ELSE 1 END
  + CASE WHEN d.transfer_id IS NULL THEN 0 ELSE 1 END
"""
_OWNED_OTHERWISE = """
SELECT c.id AS subject, 'is owned by ' || c.payment_id || ', which has no receipt of it' AS wrong
FROM credits c
LEFT JOIN receipts r ON r.gateway = c.gateway AND r.account = c.account
  AND r.transaction_id = c.transaction_id AND r.payment_id = c.payment_id
WHERE c.payment_id IS NOT NULL AND r.id IS NULL
"""
_RECEIVED_OTHERWISE = """
SELECT r.id AS subject, 'is a receipt of money that is not its payment''s' AS wrong
FROM receipts r
LEFT JOIN credits c ON c.gateway = r.gateway AND c.account = r.account
  AND c.transaction_id = r.transaction_id AND c.payment_id = r.payment_id
  AND c.amount = r.amount AND c.currency = r.currency
WHERE c.id IS NULL
"""
_TORN = """
SELECT payment_id AS subject, 'went on from ' || phase_before || ' where it was ' || was AS wrong
FROM (
  SELECT payment_id, phase_before,
    LAG(phase_after, 1, 'draft') OVER (PARTITION BY payment_id ORDER BY version) AS was
  FROM (SELECT DISTINCT payment_id, version, phase_before, phase_after FROM events) AS moves
) AS history
WHERE phase_before <> was
"""
_UNTOLD = """
SELECT p.id AS subject,
  'is ' || p.phase || ', its history ends at ' || COALESCE(e.phase_after, 'draft') AS wrong
FROM payments p LEFT JOIN events e
  ON e.seq = (SELECT MAX(n.seq) FROM events n WHERE n.payment_id = p.id)
WHERE p.phase <> COALESCE(e.phase_after, 'draft')
"""
_UNPROVEN = """
SELECT p.id AS subject,
  'is paid with ' || COALESCE(SUM(r.amount), 0) || ' of ' || p.amount || ' proven' AS wrong
FROM payments p
LEFT JOIN receipts r ON r.payment_id = p.id AND r.currency = p.currency AND EXISTS (
  SELECT 1 FROM evidence e WHERE e.payment_id = r.payment_id AND e.key = r.evidence_key
    AND e.counts = 1 AND e.conflict = 0)
WHERE p.phase = 'paid'
GROUP BY p.id, p.amount, p.tolerance HAVING COALESCE(SUM(r.amount), 0) <= 0 AND p.amount > 0
  OR COALESCE(SUM(r.amount), 0) < p.amount - p.tolerance AND NOT EXISTS (
    SELECT 1 FROM decisions d WHERE d.subject = p.id AND d.action = 'accepted')
"""
# Each word of a person that moves a payment, and the action that the log names it by.
_UNSIGNED = """
SELECT e.payment_id AS subject, 'was ' || e.claim || ' by nobody in the log of decisions' AS wrong
FROM evidence e
WHERE e.claim IN ('accepted', 'closed_expired', 'closed_canceled') AND (
  SELECT COUNT(*) FROM decisions d WHERE d.subject = e.payment_id
    AND d.action = CASE e.claim WHEN 'accepted' THEN 'accepted' ELSE 'closed' END) = 0
"""
_MISJUDGED = """
SELECT id AS subject, 'is ' || amount_state || ' with ' || received || ' of ' || amount AS wrong
FROM payments WHERE amount_state <> CASE
  WHEN received <= 0 AND amount > 0 THEN 'none'
  WHEN received < amount - tolerance THEN 'partial'
  WHEN received > amount THEN 'over'
  ELSE 'exact' END
"""
_FOREIGN = """
SELECT DISTINCT p.id AS subject,
  'has ' || r.currency || ' where ' || p.currency || ' is due, and nobody looks' AS wrong
FROM payments p JOIN receipts r ON r.payment_id = p.id AND r.currency <> p.currency
WHERE p.review IS NULL AND NOT EXISTS (
  SELECT 1 FROM evidence e WHERE e.payment_id = p.id AND e.claim = 'resolved')
"""
_BELIEVED = """
SELECT id AS subject, 'counts, and comes from ' || source || ' with trust ' || trust AS wrong
FROM evidence WHERE counts = 1 AND (trust <= 0 OR source = 'return')
"""
_DELIVERED_UNPAID = """
SELECT f.payment_id AS subject, 'is ' || p.phase || ' and was delivered as ' || f.purpose AS wrong
FROM fulfilments f JOIN payments p ON p.id = f.payment_id
WHERE p.phase <> 'paid' OR f.purpose <> p.purpose
"""
_DELIVERED_TWICE = """
SELECT payment_id AS subject, 'was delivered ' || COUNT(*) || ' times' AS wrong
FROM fulfilments GROUP BY payment_id, purpose HAVING COUNT(*) > 1
"""
_UNDELIVERED = """
SELECT p.id AS subject, 'is paid and was not delivered' AS wrong
FROM payments p
LEFT JOIN fulfilments f ON f.payment_id = p.id AND f.purpose = p.purpose
WHERE p.phase = 'paid' AND f.id IS NULL
"""
# What was sold is delivered in full: what came, and what was forgiven of the price.
_UNEARNED = """
SELECT f.payment_id AS subject, 'was delivered and not earned in the same transaction' AS wrong
FROM fulfilments f JOIN payments p ON p.id = f.payment_id AND p.purpose = f.purpose
LEFT JOIN transfers t ON t.kind = 'fulfilment' AND t.subject = p.id
  AND t.created_at = f.created_at
LEFT JOIN postings d ON d.transfer_id = t.id AND d.currency = p.currency AND d.amount > 0
  AND d.account || '' IN ('suspense', 'shortfall')
WHERE p.phase = 'paid'
GROUP BY f.id, f.payment_id, p.amount, p.tolerance
HAVING COALESCE(SUM(d.amount), 0) NOT BETWEEN p.amount - p.tolerance AND p.amount
"""
# `state <> 'done'` is what the index of the undone says.
_DEAD = """
SELECT id AS subject, 'is dead: ' || kind || ', ' || COALESCE(error, 'no reason') AS wrong
FROM jobs WHERE state <> 'done' AND state = 'dead'
"""
_FORGOTTEN = """
SELECT id AS subject, 'is ready and never due: ' || kind AS wrong
FROM jobs WHERE state <> 'done' AND state = 'ready' AND due_at IS NULL
"""
_WITHOUT_TRACE = """
SELECT i.id AS subject, 'is handled for ' || i.payment_id || ', which has no word of it' AS wrong
FROM inbox i
WHERE i.handled_at IS NOT NULL AND i.payment_id IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM evidence e WHERE e.payment_id = i.payment_id AND e.source = 'webhook')
AND NOT EXISTS (
  SELECT 1 FROM decisions d JOIN payments p ON p.id = d.payment_id
  LEFT JOIN credits c ON c.id = d.subject
  WHERE (d.subject = i.id OR c.notice_id = i.id) AND d.action = 'assigned'
    AND d.payment_id = i.payment_id)
"""
_KEPT_TWICE = """
SELECT i.gateway || ' ' || i.event_id AS subject, 'is kept more than once' AS wrong
FROM inbox i WHERE EXISTS (
  SELECT 1 FROM inbox o WHERE o.gateway = i.gateway AND o.account = i.account
  AND o.event_id = i.event_id AND o.id <> i.id)
"""
_HALF_HELD = """
SELECT name AS subject, 'has a holder without an end, or an end without a holder' AS wrong
FROM schedules WHERE (holder IS NULL) <> (held_until IS NULL)
"""
_UNTIMED = """
SELECT id AS subject, 'is ' || phase || ' and has no timer' AS wrong
FROM payments WHERE phase IN ('draft', 'open', 'processing') AND next_check_at IS NULL
"""

_EDGES: Final = ", ".join(sorted({f"'{before}>{after}'" for (before, _), after in MOVES.items()}))
_BY_GATEWAYS: Final = {(before, after) for (before, signal), after in MOVES.items()
                       if signal not in BY_A_PERSON}  # fmt: skip
# Where only a person's word leads.
_DECIDED: Final = ", ".join(sorted({f"'{before}>{after}'" for (before, _), after in MOVES.items()
                                    if (before, after) not in _BY_GATEWAYS}))  # fmt: skip
_STRAYED = f"""
SELECT payment_id AS subject, 'went from ' || phase_before || ' to ' || phase_after AS wrong
FROM events
WHERE phase_before <> phase_after AND (
  phase_before || '>' || phase_after NOT IN ({_EDGES})
  OR phase_before || '>' || phase_after IN ({_DECIDED})
    AND signal NOT IN ('accepted', 'closed_expired', 'closed_canceled'))
"""  # noqa: S608 - the moves of our own table

_TRIGGERS = {
    "sqlite": text(
        "SELECT tbl_name || ' ' || name FROM sqlite_master "
        "WHERE type = 'trigger' AND sql LIKE '%RAISE(ABORT%'"
    ),
    # tgtype: before (2) any delete (8), update (16) or truncate (32) of the table as a whole; where
    # it is frozen, an update in one trigger and the rest in another.
    "postgresql": text(
        "SELECT c.relname || ' ' || t.tgname FROM pg_trigger t "
        "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc f ON f.oid = t.tgfoid "
        "WHERE pg_table_is_visible(c.oid) AND t.tgenabled IN ('O', 'A') "
        "AND t.tgtype & 59 IN (58, 18, 42) AND f.prosrc LIKE '%RAISE EXCEPTION%'"
    ),
}
_ENDINGS = {"sqlite": ("no_update", "no_delete"), "postgresql": ("append_only",)}
_FROZEN = ("frozen", "kept")


def _unguarded(tx: Connection) -> Iterator[str]:
    dialect = tx.dialect.name
    found = set(tx.execute(_TRIGGERS[dialect]).scalars())
    needed = [(table, ending) for table in append_only() for ending in _ENDINGS[dialect]]
    needed += [(table, ending) for table in frozen() for ending in _FROZEN]
    for table, ending in needed:
        if f"{table} {table}_{ending}" not in found:
            yield f"{table} has lost its trigger {table}_{ending}"


_POLLED_AT = select(schedules.c.last_run_at).where(schedules.c.name == POLLER)
_RAN_AT = select(func.max(job_runs.c.ended_at, type_=job_runs.c.ended_at.type))
_OVERDUE = (
    select(payments.c.id, payments.c.next_check_at)
    .where(
        payments.c.phase.in_((Phase.DRAFT, Phase.OPEN, Phase.PROCESSING)),
        payments.c.next_check_at < bindparam("limit"),
        or_(
            payments.c.next_check_at < bindparam("at_worst"),
            # A line that is asked as fast as its gateway allows is long, and not forgotten.
            ~exists().where(
                budgets.c.gateway == payments.c.gateway,
                budgets.c.spent_until >= bindparam("nearly_now"),
            ),
        ),
    )
    .order_by(payments.c.next_check_at)
)


def _overdue(tx: Connection) -> Iterator[str]:
    """Late by the hub's own clock: the last run of the poller is the "now" of the books.

    So a server that was stopped on purpose has no fault, a sandbox may live in any year, and a
    worker that runs without asking is found. Before the first poll, the newest run of any job.
    """
    now = tx.execute(_POLLED_AT).scalar() or tx.execute(_RAN_AT).scalar()
    if now is not None:
        bounds = {"limit": now - OVERDUE_AFTER, "at_worst": now - OVERDUE_AT_WORST,
                  "nearly_now": now - timedelta(seconds=SAVED_S / 2)}  # fmt: skip
        for row in tx.execute(_OVERDUE, bounds):
            yield f"{row.id} was due at {row.next_check_at:%Y-%m-%dT%H:%M:%SZ}"


# I3 and I4 are about what is not there, so tests show them and no row can.
CHECKS: Final = (
    Check("M1", "Every transfer balances, and each currency sums to zero.",
          Each("postings", _UNBALANCED, key="transfer_id"), Each("transfers", _ONE_SIDED)),
    Check("M2", "The books are append-only: their triggers stand.", _unguarded),
    Check("M3", "Every balance that is kept is the sum of what it stands for: a payment's of its "
          "receipts, a wallet's or gift card's of its postings.",
          Each("payments", _MISCOUNTED), Each("balances", _MISCACHED, key="account"),
          Each("postings", _UNCACHED, key="transfer_id")),
    Check("M4", "No wallet or gift card is below zero.",
          Each("balances", _OVERDRAWN, key="account")),
    Check("M6", "One gateway transaction credits at most one payment, and is booked once.",
          Each("receipts", _CREDITED_TWICE, _UNBOOKED), Each("transfers", _BOOKED_FROM_NOTHING)),
    Check("M9", "Every credit is booked once, and stands with its one owner or in suspense.",
          Each("credits", _BOOKED_OTHERWISE, _OWNED_OTHERWISE),
          Each("receipts", _RECEIVED_OTHERWISE)),
    Check("S0", "The state of a payment is what its evidence folds to.", Folds()),
    Check("S1", "Every change of phase is a move of the table, and none is missing.",
          Each("events", _STRAYED, _TORN, key="payment_id"), Each("payments", _UNTOLD)),
    Check("S2", "What is paid has enough counted evidence in the right currency, or a person's "
          "word that it is enough, with a reason.",
          Each("payments", _UNPROVEN), Each("evidence", _UNSIGNED)),
    Check("S3", "An amount or currency that differs is never plain paid.",
          Each("payments", _MISJUDGED, _FOREIGN)),
    Check("S4", "A browser's word never counts.", Each("evidence", _BELIEVED)),
    Check("F1", "Only what is paid is delivered, and at most once.",
          Each("fulfilments", _DELIVERED_UNPAID, _DELIVERED_TWICE, key="payment_id")),
    Check("F2", "Everything paid was delivered and earned in the same transaction.",
          Each("payments", _UNDELIVERED), Each("fulfilments", _UNEARNED, key="payment_id")),
    Check("F3", "Every outside effect is done or will be tried again.",
          queries(_DEAD, _FORGOTTEN)),
    Check("I1", "A notice that is handled left its evidence with a payment.",
          Each("inbox", _WITHOUT_TRACE)),
    Check("I2", "A notice is kept once.", Each("inbox", _KEPT_TWICE)),
    Check("J1", "A job has one holder, and every lease ends.", queries(_HALF_HELD)),
    Check("J2", "Nothing that can still be paid is past its due check.",
          Each("payments", _UNTIMED), _overdue),
)  # fmt: skip
