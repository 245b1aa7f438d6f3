"""A plain payment delivers nothing itself: the merchant acts on the event."""

from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.payment import Payment
from tallystick.fulfilment.base import deliver


class Plain:
    """Money for something that the merchant's own system hands out."""

    purpose = "plain"

    def fulfil(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Earn the money."""
        deliver(tx, payment, now)
