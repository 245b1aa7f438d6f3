"""The invariants of donations, as queries."""

from typing import Final

from tallystick.store.audit.base import Check, Each
from tests.made_up_product.tables import donations

_UNPAID = """
SELECT d.id AS subject, 'has a certificate, and its payment is ' || p.phase AS wrong
FROM donations d JOIN payments p ON p.id = d.payment_id
WHERE d.certificate IS NOT NULL AND p.phase <> 'paid'
"""
_UNCERTIFIED = """
SELECT p.id AS subject, 'is a donation that is paid and has no certificate' AS wrong
FROM payments p LEFT JOIN donations d ON d.payment_id = p.id AND d.certificate IS NOT NULL
WHERE p.purpose = 'donation' AND p.phase = 'paid' AND d.id IS NULL
"""

CHECKS: Final = (
    Check("D1", "A donation has a certificate exactly when its payment is paid.",
          Each(donations, _UNPAID), Each("payments", _UNCERTIFIED)),
)  # fmt: skip
