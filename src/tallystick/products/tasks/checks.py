"""The invariants of tasks: completed by one paid session, and called back for it."""

from typing import Final

from tallystick.store.audit.base import Check, Each

_NOT_PAID = """
SELECT t.id AS subject, 'is completed without a paid session of its own' AS wrong
FROM tasks t
LEFT JOIN task_sessions s ON s.payment_id = t.payment_id AND s.task_id = t.id
LEFT JOIN payments p ON p.id = s.payment_id AND p.phase = 'paid'
WHERE t.state = 'COMPLETED' AND p.id IS NULL
"""
_NOT_COMPLETED = """
SELECT t.id AS subject, 'is ' || t.state || ' and its session ' || p.id || ' is paid' AS wrong
FROM tasks t JOIN task_sessions s ON s.task_id = t.id
JOIN payments p ON p.id = s.payment_id AND p.phase = 'paid'
WHERE t.state <> 'COMPLETED'
"""
_PAID_TWICE = """
SELECT t.id AS subject, 'was paid again by ' || p.id || ', and nobody was told' AS wrong
FROM tasks t JOIN task_sessions s ON s.task_id = t.id
JOIN payments p ON p.id = s.payment_id AND p.phase = 'paid'
WHERE t.state = 'COMPLETED' AND p.id <> t.payment_id AND NOT EXISTS (
  SELECT 1 FROM evidence e WHERE e.payment_id = p.id AND e.claim = 'superseded')
"""
_STRAY = """
SELECT p.id AS subject, 'is paid for a task and is no session of any' AS wrong
FROM payments p LEFT JOIN task_sessions s ON s.payment_id = p.id
WHERE p.purpose = 'task' AND s.payment_id IS NULL
"""
_NO_SESSION = """
SELECT t.id AS subject, 'is IN_PROGRESS without a session' AS wrong
FROM tasks t LEFT JOIN task_sessions s ON s.task_id = t.id
WHERE t.state = 'IN_PROGRESS' AND s.payment_id IS NULL
"""
_NOT_CALLED_BACK = """
SELECT t.id AS subject, 'is ' || t.state || ' and has ' || COUNT(j.id) || ' callbacks' AS wrong
FROM tasks t LEFT JOIN jobs j ON j.dedupe_key = 'task_callback/' || t.id
GROUP BY t.id, t.state HAVING COUNT(j.id) <> CASE WHEN t.state = 'COMPLETED' THEN 1 ELSE 0 END
"""

CHECKS: Final = (
    Check("T1", "A completed task has exactly one session that paid it; money that came again is "
          "with a person.",
          Each("tasks", _NOT_PAID, _NOT_COMPLETED, _PAID_TWICE, _NO_SESSION),
          Each("payments", _STRAY)),
    Check("T2", "A completed task has exactly one callback, and no other task has one.",
          Each("tasks", _NOT_CALLED_BACK)),
)  # fmt: skip
