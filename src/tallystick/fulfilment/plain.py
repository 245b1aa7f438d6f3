"""A plain payment delivers nothing itself: the merchant acts on the event."""

from tallystick.fulfilment.base import Fulfilment


class Plain(Fulfilment):
    """Money for something that the merchant's own system hands out."""

    purpose = "plain"
