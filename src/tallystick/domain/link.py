"""The words of a payment link for the state of its payment, as the replaced service spelt them."""

from enum import StrEnum
from typing import Final

from tallystick.domain.payment import AmountState, Phase, Review
from tallystick.domain.refund import Returned


class LinkStatus(StrEnum):
    """What clients of the replaced service know. Money in flight is still OPEN to them."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    PAID = "PAID"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


LINK_STATUS: Final[dict[Phase, LinkStatus]] = {
    Phase.DRAFT: LinkStatus.DRAFT,
    Phase.OPEN: LinkStatus.OPEN,
    Phase.PROCESSING: LinkStatus.OPEN,
    Phase.PAID: LinkStatus.PAID,
    Phase.EXPIRED: LinkStatus.EXPIRED,
    Phase.CANCELED: LinkStatus.CANCELED,
}


LINK_EVENTS: Final[dict[str, str]] = {
    "payment.overpaid": "PAID",
    "payment.paid_late": "PAID",
}
"""Where those clients know a simpler word than the last one of ours in capitals."""


def link_event(kind: str | None) -> str:
    """The last thing that happened to a link, such as CREATED, OPENED, PAID or EXPIRED."""
    if kind is None:
        return "CREATED"
    return LINK_EVENTS.get(kind, kind.rpartition(".")[2].upper())


class Message(StrEnum):
    """A key into the catalogue of what a payer is told."""

    DRAFT = "draft"
    WAITING = "waiting"
    PARTIAL = "partial"
    PROCESSING = "processing"
    PAID = "paid"
    PAID_LATE = "paid_late"
    PAID_OVER = "paid_over"
    EXPIRED = "expired"
    EXPIRED_PARTIAL = "expired_partial"
    CANCELED = "canceled"
    CANCELED_MONEY = "canceled_money"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"
    OTHER_CURRENCY = "other_currency"


def message(
    phase: Phase, amount_state: AmountState, *, late: bool, returned: Returned = Returned.NONE,
    review: Review | None = None,
) -> Message:  # fmt: skip
    """Which sentence tells a payer where the payment stands."""
    if returned is Returned.FULL:
        return Message.REFUNDED
    if review is Review.WRONG_CURRENCY and phase not in {Phase.DRAFT, Phase.PAID}:
        # The payer has paid, and a person looks at it: nothing may invite to pay once more.
        return Message.OTHER_CURRENCY
    if returned is Returned.PARTIAL and phase is Phase.PAID:
        return Message.PARTLY_REFUNDED
    if phase is Phase.PAID:
        if amount_state is AmountState.OVER:
            return Message.PAID_OVER
        return Message.PAID_LATE if late else Message.PAID
    held = amount_state is not AmountState.NONE
    with_money = {
        Phase.OPEN: Message.PARTIAL,
        Phase.EXPIRED: Message.EXPIRED_PARTIAL,
        Phase.CANCELED: Message.CANCELED_MONEY,
    }
    without = {
        Phase.DRAFT: Message.DRAFT,
        Phase.OPEN: Message.WAITING,
        Phase.PROCESSING: Message.PROCESSING,
        Phase.EXPIRED: Message.EXPIRED,
        Phase.CANCELED: Message.CANCELED,
    }
    return (with_money if held and phase in with_money else without)[phase]


# English, for the API; the pages carry their own catalogue in four languages.
SENTENCES: Final[dict[Message, tuple[str, str]]] = {
    Message.DRAFT: ("The link is a draft.", "Open the link before sharing it."),
    Message.WAITING: ("Waiting for payment.", "Pay the exact amount before the time runs out."),
    Message.PARTIAL: (
        "A part of the amount has arrived.",
        "Pay the rest before the time runs out.",
    ),
    Message.PROCESSING: (
        "The payment is being processed.",
        "Do not pay again; the gateway is still confirming it.",
    ),
    Message.PAID: ("Paid.", "Nothing more to do."),
    Message.PAID_LATE: ("Paid, after the deadline.", "Nothing more to do."),
    Message.PAID_OVER: (
        "Paid, with more than was due.",
        "The merchant has been told about the surplus.",
    ),
    Message.EXPIRED: (
        "The time to pay has run out.",
        "Ask the merchant for a new link. Money that is on its way is still noticed.",
    ),
    Message.EXPIRED_PARTIAL: (
        "The time ran out with a part of the amount paid.",
        "Contact the merchant, who has been told.",
    ),
    Message.CANCELED: ("The payment was canceled.", "Do not pay it any more."),
    Message.CANCELED_MONEY: (
        "Money arrived after the payment was canceled.",
        "Contact the merchant, who has been told.",
    ),
    Message.REFUNDED: (
        "The money has been refunded.",
        "It may take some days until your bank shows it.",
    ),
    Message.PARTLY_REFUNDED: (
        "Paid, and a part has been refunded.",
        "It may take some days until your bank shows the refund.",
    ),
    Message.OTHER_CURRENCY: (
        "Money arrived in another currency.",
        "Do not pay again; the merchant has been told.",
    ),
}
