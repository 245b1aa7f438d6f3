"""A paid payment link: its page shows success and the money is earned."""

from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.payment import Payment
from tallystick.fulfilment.base import deliver


class PaymentLink:
    """Money for what the link describes. The link's status follows its payment."""

    purpose = "payment_link"

    def fulfil(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Earn the money."""
        deliver(tx, payment, now)
