"""The states of a refund, and every move between them, as a table."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from tallystick.domain.money import Money


class RefundState(StrEnum):
    """Where money that is to go back stands."""

    REQUESTED = "requested"
    RESERVED = "reserved"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    PENDING = "pending"
    MANUAL = "manual"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class RefundSignal(StrEnum):
    """What happened to it."""

    RESERVED = "reserved"
    BY_HAND = "by_hand"
    SENT = "sent"
    UNHEARD = "unheard"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    TRANSFERRED = "transferred"


LATE_POLICY: Final = "late policy"
"""Asks for a refund where money came late to a payment that gives such money back."""


class RefundSource(StrEnum):
    """Who made it: a merchant through us, or somebody in the gateway's own dashboard."""

    MERCHANT = "merchant"
    EXTERNAL = "external"


class Returned(StrEnum):
    """How much of what a payment received went back. Derived; a paid payment stays paid."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


_TOLD: Final = {
    RefundSignal.PENDING: RefundState.PENDING,
    RefundSignal.SUCCEEDED: RefundState.SUCCEEDED,
    RefundSignal.FAILED: RefundState.FAILED,
    RefundSignal.CANCELED: RefundState.CANCELED,
}


def _told(*, of: RefundState) -> dict[tuple[RefundState, RefundSignal], RefundState]:
    """What a gateway's books can make of a refund that was sent."""
    return {(of, signal): after for signal, after in _TOLD.items() if after is not of}


# The whole state machine. A pair that is not here is an illegal move.
REFUND_MOVES: Final[dict[tuple[RefundState, RefundSignal], RefundState]] = {
    (RefundState.REQUESTED, RefundSignal.RESERVED): RefundState.RESERVED,
    (RefundState.REQUESTED, RefundSignal.BY_HAND): RefundState.MANUAL,
    # Found at the gateway, where somebody else has made it.
    (RefundState.REQUESTED, RefundSignal.PENDING): RefundState.PENDING,
    (RefundState.REQUESTED, RefundSignal.SUCCEEDED): RefundState.SUCCEEDED,
    (RefundState.RESERVED, RefundSignal.SENT): RefundState.SUBMITTING,
    (RefundState.RESERVED, RefundSignal.CANCELED): RefundState.CANCELED,
    (RefundState.SUBMITTING, RefundSignal.UNHEARD): RefundState.UNKNOWN,
    **_told(of=RefundState.SUBMITTING),
    # A call that timed out is not a failure: the books are asked, by the same key.
    (RefundState.UNKNOWN, RefundSignal.SENT): RefundState.SUBMITTING,
    **_told(of=RefundState.UNKNOWN),
    **_told(of=RefundState.PENDING),
    (RefundState.MANUAL, RefundSignal.TRANSFERRED): RefundState.SUCCEEDED,
    (RefundState.MANUAL, RefundSignal.CANCELED): RefundState.CANCELED,
    # The gateway, or the payer's bank, took it back: the money is here again.
    (RefundState.SUCCEEDED, RefundSignal.FAILED): RefundState.FAILED,
    # The books show that it went through all the same.
    (RefundState.FAILED, RefundSignal.SUCCEEDED): RefundState.SUCCEEDED,
}

ASKED: Final = frozenset(
    {RefundState.RESERVED, RefundState.SUBMITTING, RefundState.UNKNOWN, RefundState.PENDING}
)
"""On their way through a gateway: each has a timer, at which it is sent or asked about."""

HOLDING: Final = ASKED | {RefundState.MANUAL}
"""Their money is reserved and has not gone back yet."""

GONE: Final = frozenset({RefundState.SUCCEEDED})


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that goes back to a payer.

    `undelivered` is the part that nothing was delivered for (a surplus, money that came too late):
    taking it back touches nothing that was bought. `payee` is the sealed account of a transfer by
    hand. `sent_at` is when the gateway was last told to make it.
    """

    id: str
    payment_id: str
    attempt_id: str | None
    gateway: str
    account: str
    transaction_id: str
    amount: int
    undelivered: int
    currency: str
    state: RefundState
    source: RefundSource
    method: Literal["api", "manual"]
    reason: str
    keep_access: bool
    requested_by: str
    created_at: datetime
    updated_at: datetime
    provider_id: str | None = None
    bank_reference: str | None = None
    failure: str | None = None
    payee: bytes | None = None
    tries: int = 0
    sent_at: datetime | None = None
    next_check_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def money(self) -> Money:
        """What goes back."""
        return Money(self.amount, self.currency)

    @property
    def delivered(self) -> Money:
        """The part of it that something was delivered for."""
        return Money(self.amount - self.undelivered, self.currency)

    @property
    def memo(self) -> str:
        """What is written on a transfer back: any bank carries it, and it names one refund."""
        return f"REFUND {self.id[-10:]}"


def returned(received: int, refunded: int) -> Returned:
    """How much of it went back."""
    if refunded <= 0:
        return Returned.NONE
    return Returned.FULL if refunded >= received else Returned.PARTIAL
