"""Withdraw: an offer that nobody should pay any more is taken back at its gateway."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.evidence import State
from tallystick.domain.payment import Attempt, AttemptState, Payment, is_final
from tallystick.flows.hub import Hub
from tallystick.store import effects

CANCEL: Final = "cancel_attempt"
_LIVE: Final = frozenset(
    {AttemptState.UNKNOWN, AttemptState.SUBMITTING, AttemptState.AWAITING_PAYER}
)


def withdraw_offers(
    tx: Connection, hub: Hub, payment: Payment, tries: Sequence[Attempt], state: State,
    now: datetime,
) -> None:  # fmt: skip
    """Ask for the end of every offer that still lives, in the transaction that ended the payment.

    Paid at one gateway, it must not be paid at another; canceled or expired, at none. Where a
    gateway refuses because its payer was quicker, its books are asked and the money is reviewed.
    """
    if not is_final(payment.phase):
        return
    for attempt in tries:
        gateway = hub.gateway_of(attempt)
        stands = state.attempts.get(attempt.id, attempt.state)
        if stands in _LIVE and gateway is not None and gateway.capabilities.cancels:
            payload = {"paymentId": payment.id, "attemptId": attempt.id}
            effects.add(tx, CANCEL, f"cancel/{attempt.id}", payload, now)
