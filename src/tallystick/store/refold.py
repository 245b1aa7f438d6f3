"""Folds the evidence of payments again and compares it with what the rows say."""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.credit import Credit
from tallystick.domain.evidence import Evidence, State, fold
from tallystick.domain.payment import Payment
from tallystick.store import evidence, ledger

PAGE: Final = 100
"""Payments in memory at a time; small, because on PostgreSQL a page is folded between two waits."""


def differences(tx: Connection, page: Sequence[Payment]) -> Iterator[str]:
    """A line for each of these payments that is not what its evidence amounts to."""
    ids = [payment.id for payment in page]
    said = evidence.of_payments(tx, ids)
    received = ledger.receipts_of(tx, ids)
    for payment in page:
        wrong = _compared(payment, said.get(payment.id, []), received.get(payment.id, []))
        if wrong:
            yield f"{payment.id} {wrong}"


def _compared(payment: Payment, said: list[Evidence], received: list[Credit]) -> str:
    state = fold(payment.terms, said)
    wrong = [
        f"has {name} {stored}, and {folded} by its evidence"
        for name, stored, folded in _pairs(payment, state)
        if stored != folded
    ]
    if sorted(received) != list(state.credits):
        wrong.append("has other receipts than its evidence names")
    return "; ".join(wrong)


def _pairs(payment: Payment, state: State) -> tuple[tuple[str, object, object], ...]:
    return (
        ("phase", payment.phase, state.phase),
        ("amount state", payment.amount_state, state.amount_state),
        ("late", payment.late, state.late),
        ("review", payment.review, state.review),
        ("received", payment.received, state.received.minor),
        ("paid at", payment.paid_at, state.paid_at),
    )
