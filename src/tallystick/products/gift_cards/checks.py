"""The invariants of gift cards, as queries."""

from typing import Final

from tallystick.store.audit.base import Check, Each

_ABOVE_FACE = """
SELECT cards.id AS subject, 'is worth ' || cards.amount || ', and ' || cards.gone
  || ' of it is spent, set aside or left' AS wrong
FROM (
  SELECT c.id, c.amount,
    (SELECT COALESCE(SUM(m.amount), 0) FROM gift_card_movements m
      WHERE m.card_id = c.id AND m.kind IN ('redeem', 'capture'))
    + (SELECT COALESCE(SUM(h.amount), 0) FROM gift_card_holds h
      WHERE h.card_id = c.id AND h.state = 'held')
    + (SELECT COALESCE(SUM(b.amount), 0) FROM balances b
      WHERE b.account = 'gift_card:' || c.id AND b.currency = c.currency) AS gone
  FROM gift_cards c
) AS cards
WHERE cards.gone > cards.amount
"""
_NOT_SET_ASIDE = """
SELECT h.id AS subject, 'holds ' || h.amount || ' where its account has '
  || COALESCE(b.amount, 0) AS wrong
FROM gift_card_holds h
LEFT JOIN balances b ON b.account = 'held:' || h.id AND b.currency = h.currency
WHERE COALESCE(b.amount, 0) <> CASE h.state WHEN 'held' THEN h.amount ELSE 0 END
"""
# `|| ''` keeps SQLite from searching all postings of an account for those of one transfer.
_UNBOOKED = """
SELECT m.id AS subject, 'is a ' || m.kind || ' of ' || m.amount || ' that is not booked so' AS wrong
FROM gift_card_movements m
LEFT JOIN transfers t ON t.kind = 'gift_card.' || m.kind
  AND t.subject = m.card_id || '/' || m.reference
LEFT JOIN postings p ON p.transfer_id = t.id AND p.amount = m.amount AND p.currency = m.currency
WHERE m.reference IS NOT NULL AND p.transfer_id IS NULL
"""
# The subject begins with the 29 characters of the card's id, by which its movements are found.
_BOOKED_FROM_NOTHING = """
SELECT t.id AS subject, 'spends from a gift card that does not know of it' AS wrong
FROM transfers t LEFT JOIN gift_card_movements m
  ON m.card_id = SUBSTR(t.subject, 1, 29) AND t.kind = 'gift_card.' || m.kind
  AND t.subject = m.card_id || '/' || m.reference
WHERE t.kind LIKE 'gift_card.%' AND m.id IS NULL
"""
_CODE_UNPAID = """
SELECT c.id AS subject, 'has a code, and its payment is ' || p.phase AS wrong
FROM gift_cards c JOIN payments p ON p.id = c.payment_id
WHERE (c.code_hash IS NOT NULL OR c.code_sealed IS NOT NULL) AND p.phase <> 'paid'
"""
_PAID_WITHOUT_CODE = """
SELECT p.id AS subject, 'is a gift card that is paid and has no code' AS wrong
FROM payments p LEFT JOIN gift_cards c ON c.payment_id = p.id AND c.code_hash IS NOT NULL
WHERE p.purpose = 'gift_card' AND p.phase = 'paid' AND c.id IS NULL
"""

CHECKS: Final = (
    Check("G1", "What is spent of a gift card, set aside and left is not more than its face value, "
          "and each movement is booked once.",
          Each("gift_cards", _ABOVE_FACE), Each("gift_card_holds", _NOT_SET_ASIDE),
          Each("gift_card_movements", _UNBOOKED), Each("transfers", _BOOKED_FROM_NOTHING)),
    Check("G2", "A gift card has a code exactly when its payment is paid.",
          Each("gift_cards", _CODE_UNPAID), Each("payments", _PAID_WITHOUT_CODE)),
)  # fmt: skip
