"""The invariants of wallets: what was topped up is in them once, what was spent has left once."""

from typing import Final

from tallystick.store.audit.base import Check, Each

# `|| ''` keeps SQLite from searching all postings of an account for those of one transfer.
_NOT_IN_THE_WALLET = """
SELECT u.id AS subject,
  'is confirmed and ' || COUNT(w.transfer_id) || ' times in its wallet' AS wrong
FROM topups u JOIN payments p ON p.id = u.payment_id
LEFT JOIN transfers t ON t.kind = 'fulfilment' AND t.payment_id = p.id
LEFT JOIN postings w ON w.transfer_id = t.id AND w.account || '' = 'wallet:' || p.owner_id
  AND w.currency = p.currency
  AND w.amount = -p.amount
WHERE p.phase = 'paid'
GROUP BY u.id HAVING COUNT(w.transfer_id) <> 1
"""
_CREDITED_UNPAID = """
SELECT t.id AS subject,
  'fills a wallet for a payment that is ' || COALESCE(p.phase, 'none') AS wrong
FROM transfers t JOIN postings w ON w.transfer_id = t.id
LEFT JOIN payments p ON p.id = t.payment_id
WHERE t.kind = 'fulfilment' AND w.account LIKE 'wallet:%' AND (p.id IS NULL OR p.phase <> 'paid')
"""
_NAMELESS = """
SELECT p.id AS subject, 'fills a wallet and is no top-up of anybody' AS wrong
FROM payments p LEFT JOIN topups u ON u.payment_id = p.id
WHERE p.purpose = 'wallet_topup' AND (u.id IS NULL OR p.owner_id IS NULL)
"""
_NOT_SPENT = """
SELECT s.id AS subject, 'has left its wallet ' || COUNT(w.transfer_id) || ' times' AS wrong
FROM wallet_spends s
LEFT JOIN transfers t ON t.kind = 'spend' AND t.subject = s.id
LEFT JOIN postings w ON w.transfer_id = t.id AND w.account || '' = 'wallet:' || s.owner_id
  AND w.currency = s.currency AND w.amount = s.amount
GROUP BY s.id HAVING COUNT(w.transfer_id) <> 1
"""
_SPENT_FOR_NOTHING = """
SELECT t.id AS subject, 'takes from a wallet under no reference' AS wrong
FROM transfers t LEFT JOIN wallet_spends s ON s.id = t.subject
WHERE t.kind = 'spend' AND s.id IS NULL
"""

CHECKS: Final = (
    Check("W1", "A confirmed top-up is in its owner's wallet, once.",
          Each("topups", _NOT_IN_THE_WALLET), Each("transfers", _CREDITED_UNPAID),
          Each("payments", _NAMELESS)),
    Check("W2", "What was spent under a reference left the wallet, once.",
          Each("wallet_spends", _NOT_SPENT), Each("transfers", _SPENT_FOR_NOTHING)),
)  # fmt: skip
