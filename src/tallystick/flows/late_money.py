"""Late money of a payment that does not want it: promised back in the settling transaction."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.evidence import State
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment, Phase
from tallystick.domain.refund import LATE_POLICY, Refund, RefundSignal, RefundSource, RefundState
from tallystick.flows.book_refund import begin
from tallystick.flows.hub import Hub
from tallystick.flows.ways_back import Way, ways
from tallystick.store import payments, refunds

_BEFORE_IT_IS_OVER: Final = frozenset({Phase.DRAFT, Phase.PROCESSING, Phase.PAID})


def give_back(tx: Connection, hub: Hub, payment_id: str, state: State, now: datetime) -> bool:
    """Reserve a refund for each way that the money came; whether there was any.

    Called with the payment held, when more money has come. Where the gateway has no API to tell,
    it is on the list of transfers by hand.
    """
    payment = payments.find(tx, payment_id) if state.goes_back else None
    if payment is None or payment.phase in _BEFORE_IT_IS_OVER:
        return False
    made = False
    for way in ways(tx, hub, payment, payment.currency):
        money = Money(way.left, payment.currency)
        if refunds.reserve(tx, payment, money):
            _promise(tx, hub, payment, way, money, now)
            made = True
    return made


def _promise(
    tx: Connection, hub: Hub, payment: Payment, way: Way, money: Money, now: datetime
) -> None:
    refund = Refund(
        id=new_id("rf", now),
        payment_id=payment.id,
        attempt_id=way.received.attempt_id,
        gateway=way.received.gateway,
        account=way.received.account,
        transaction_id=way.received.transaction_id,
        amount=money.minor,
        # It never became paid, so nothing was delivered for it.
        undelivered=money.minor,
        currency=money.currency,
        state=RefundState.REQUESTED,
        source=RefundSource.MERCHANT,
        method=way.method,
        reason="It came after the deadline.",
        keep_access=False,
        requested_by=LATE_POLICY,
        created_at=now,
        updated_at=now,
    )
    why = "It came after the deadline, and such money goes back."
    if way.method == "manual":
        begin(tx, hub, refund, RefundSignal.BY_HAND, why, now)
    else:
        # Nobody waits for it in a request, so it is due at once.
        begin(tx, hub, refund, RefundSignal.RESERVED, why, now, next_check_at=now)
