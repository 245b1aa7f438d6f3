"""A paid payment link: its page shows success and the money is earned."""

from tallystick.fulfilment.base import Fulfilment


class PaymentLink(Fulfilment):
    """Money for what the link describes. The link's status follows its payment."""

    purpose = "payment_link"
