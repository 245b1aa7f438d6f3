"""The port of everything that can be delivered, and what all deliveries share."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from tallystick.domain.ledger import earned
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.store import fulfilments, ledger


class Fulfilment(Protocol):
    """What a payment is for. `purpose` is the name that the payment carries."""

    purpose: str

    def fulfil(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Deliver, inside the transaction that made the payment paid.

        Called at most once for a payment. What must happen outside the database is a job row.
        """
        ...


def deliver(tx: Connection, payment: Payment, now: datetime) -> bool:
    """Note the delivery and earn the money; False where it was delivered before."""
    if not fulfilments.add(tx, payment.id, payment.purpose, now):
        return False
    # Within a gateway's tolerance a little less than what is due may have come.
    amount = Money(min(payment.received, payment.amount), payment.currency)
    ledger.post(tx, earned(payment.id, amount), now)
    return True
