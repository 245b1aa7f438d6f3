"""The words a top-up uses for the state of its payment (the replaced wallet's spelling)."""

import re
from enum import StrEnum
from typing import Final

from tallystick.domain.errors import Invalid
from tallystick.domain.payment import Phase

PURPOSE: Final = "wallet_topup"
"""What the payments of top-ups are for."""

_TX_REF: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")


class TopupStatus(StrEnum):
    """What the replaced wallet's clients know."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    EXPIRED = "expired"


TOPUP_STATUS: Final[dict[Phase, TopupStatus]] = {
    Phase.DRAFT: TopupStatus.PENDING,
    Phase.OPEN: TopupStatus.PENDING,
    Phase.PROCESSING: TopupStatus.PENDING,
    Phase.PAID: TopupStatus.CONFIRMED,
    Phase.EXPIRED: TopupStatus.EXPIRED,
    Phase.CANCELED: TopupStatus.FAILED,
}


def phases_of(status: str) -> tuple[Phase, ...]:
    """The phases of the payments that the replaced wallet's clients know by this word."""
    return tuple(phase for phase, told in TOPUP_STATUS.items() if told == status)


def tx_ref(text: str | None) -> str:
    """The name of a top-up, as somebody sent it. Raises Invalid for what can be none."""
    if text is None or not _TX_REF.fullmatch(text):
        words = "the tx_ref of a top-up, as it was answered when the top-up was started"
        raise Invalid(f"tx_ref is {words}.", (("tx_ref", words),))
    return text
