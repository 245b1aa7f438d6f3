"""The states of a payment and of its attempts, and every move between them, as tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from tallystick.domain.errors import Invalid
from tallystick.domain.money import Money
from tallystick.domain.schedule import Rank


class Phase(StrEnum):
    """Where the payment as a whole stands."""

    DRAFT = "draft"
    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELED = "canceled"


class Signal(StrEnum):
    """What a piece of evidence amounts to, once it is weighed."""

    OPENED = "opened"
    MONEY_SEEN = "money_seen"
    MONEY_GONE = "money_gone"
    PAID = "paid"
    DEADLINE = "deadline"
    CANCELED = "canceled"
    ACCEPTED = "accepted"
    CLOSED_EXPIRED = "closed_expired"
    CLOSED_CANCELED = "closed_canceled"


BY_A_PERSON: Final = frozenset({Signal.ACCEPTED, Signal.CLOSED_EXPIRED, Signal.CLOSED_CANCELED})

# The whole state machine. A pair that is not here changes nothing.
MOVES: Final[dict[tuple[Phase, Signal], Phase]] = {
    (Phase.DRAFT, Signal.OPENED): Phase.OPEN,
    # Cannot be, since a draft has no offer; but if it ever were, we never refuse money.
    (Phase.DRAFT, Signal.PAID): Phase.PAID,
    (Phase.DRAFT, Signal.CANCELED): Phase.CANCELED,
    (Phase.DRAFT, Signal.DEADLINE): Phase.EXPIRED,
    (Phase.OPEN, Signal.MONEY_SEEN): Phase.PROCESSING,
    (Phase.OPEN, Signal.PAID): Phase.PAID,
    (Phase.OPEN, Signal.DEADLINE): Phase.EXPIRED,
    (Phase.OPEN, Signal.CANCELED): Phase.CANCELED,
    (Phase.PROCESSING, Signal.MONEY_GONE): Phase.OPEN,
    (Phase.PROCESSING, Signal.PAID): Phase.PAID,
    # Bank transfers arrive late. We never refuse money.
    (Phase.EXPIRED, Signal.PAID): Phase.PAID,
    # Its money goes back, so what comes later must not complete it.
    (Phase.EXPIRED, Signal.CANCELED): Phase.CANCELED,
    # A person says that what came is enough.
    (Phase.DRAFT, Signal.ACCEPTED): Phase.PAID,
    (Phase.OPEN, Signal.ACCEPTED): Phase.PAID,
    (Phase.PROCESSING, Signal.ACCEPTED): Phase.PAID,
    (Phase.EXPIRED, Signal.ACCEPTED): Phase.PAID,
    (Phase.CANCELED, Signal.ACCEPTED): Phase.PAID,
    # A person ends what a gateway never would.
    (Phase.PROCESSING, Signal.CLOSED_EXPIRED): Phase.EXPIRED,
    (Phase.PROCESSING, Signal.CLOSED_CANCELED): Phase.CANCELED,
    # PAID has no way out: money that goes back is a refund, not a change of phase.
    # Money finds none out of CANCELED: what comes after goes to a person (review).
}


class AmountState(StrEnum):
    """The sum of receipts against what is due."""

    NONE = "none"
    PARTIAL = "partial"
    EXACT = "exact"
    OVER = "over"


class Review(StrEnum):
    """Why a person should look, the most serious first."""

    CONTRADICTION = "contradiction"
    WRONG_CURRENCY = "wrong_currency"
    LATE_AFTER_CANCEL = "late_after_cancel"
    LATE = "late"
    SECOND_PAYER = "second_payer"
    OVER = "over"
    UNDERPAID = "underpaid"
    UNFINISHED = "unfinished"


class LatePolicy(StrEnum):
    """What to do with the full amount when it comes after the offer is over."""

    AUTO_FULFIL = "auto_fulfil"
    REVIEW = "review"
    AUTO_REFUND = "auto_refund"


class AttemptState(StrEnum):
    """Where one try at one gateway stands."""

    CREATED = "created"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    AWAITING_PAYER = "awaiting_payer"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"


STILL_AWAITED: Final = frozenset(
    {AttemptState.SUBMITTING, AttemptState.UNKNOWN, AttemptState.AWAITING_PAYER,
     AttemptState.PROCESSING}
)  # fmt: skip
"""Where a payer may be about to pay, or has."""

_HEARD: Final = {
    AttemptState.AWAITING_PAYER,
    AttemptState.PROCESSING,
    AttemptState.SUCCEEDED,
    AttemptState.FAILED,
    AttemptState.EXPIRED,
    AttemptState.CANCELED,
}

# From each state, where an attempt may go. Only money is the end of the road.
ATTEMPT_MOVES: Final[dict[AttemptState, frozenset[AttemptState]]] = {
    AttemptState.CREATED: frozenset({AttemptState.SUBMITTING}),
    AttemptState.SUBMITTING: frozenset({AttemptState.UNKNOWN, *_HEARD}),
    # A call that timed out is not a failure: only evidence resolves it.
    AttemptState.UNKNOWN: frozenset({AttemptState.SUBMITTING, *_HEARD}),
    AttemptState.AWAITING_PAYER: frozenset(_HEARD - {AttemptState.AWAITING_PAYER}),
    AttemptState.PROCESSING: frozenset(_HEARD - {AttemptState.PROCESSING}),
    AttemptState.SUCCEEDED: frozenset(),
    # Later proof opens these again.
    AttemptState.FAILED: frozenset(_HEARD - {AttemptState.FAILED}),
    AttemptState.EXPIRED: frozenset(_HEARD - {AttemptState.EXPIRED}),
    AttemptState.CANCELED: frozenset(_HEARD - {AttemptState.CANCELED}),
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much less than what is due still pays it: an amount, or a share in hundredths of 1 %."""

    minor: int = 0
    basis_points: int = 0

    def of(self, due: Money) -> int:
        """In minor units; never all of it. Raises Invalid where an amount leaves nothing to pay."""
        if not due.minor:
            return 0
        if self.minor >= due.minor:
            words = f"is less than the amount, {due}"
            raise Invalid(
                f"underpaymentTolerance {words}.", (("underpaymentTolerance.amount", words),)
            )
        return self.minor or due.minor * self.basis_points // 10_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What the payer was asked for: the fold weighs evidence against this and nothing else.

    `retriable` is true where the payer may start another attempt (a payment link), so that one
    canceled attempt does not cancel the whole. `tolerance_minor` is how much less than what is due
    still pays it: 0 unless the merchant says otherwise. More than is due is always told.
    """

    due: Money
    expires_at: datetime
    late_policy: LatePolicy = LatePolicy.AUTO_FULFIL
    retriable: bool = False
    tolerance_minor: int = 0

    def amount_state(self, received_minor: int) -> AmountState:
        """Compare a sum of receipts, in the currency that is due, with what is due."""
        if received_minor <= 0 < self.due.minor:
            return AmountState.NONE
        if received_minor < self.due.minor - self.tolerance_minor:
            return AmountState.PARTIAL
        if received_minor > self.due.minor:
            return AmountState.OVER
        return AmountState.EXACT


@dataclass(frozen=True, slots=True)
class Payment:
    """Our wish to collect one amount for one purpose, and where it stands.

    `closed_at` is when it was last paid, expired or canceled; `as_of` when a gateway was last
    asked; `next_check_at` is its timer, and `rank` its place among those that are due. `version`
    grows with every change that can be seen.
    `refunded` has gone back; `refund_reserved` is promised back and still on its way.
    """

    id: str
    purpose: str
    phase: Phase
    amount_state: AmountState
    late: bool
    review: Review | None
    amount: int
    currency: str
    received: int
    refunded: int
    late_policy: LatePolicy
    retriable: bool
    tolerance: int
    gateway: str | None
    reference: str | None
    owner_id: str | None
    description: str
    metadata: Mapping[str, Any]
    return_url: str | None
    cancel_url: str | None
    test_mode: bool
    created_at: datetime
    updated_at: datetime
    opened_at: datetime | None
    expires_at: datetime
    closed_at: datetime | None
    paid_at: datetime | None
    as_of: datetime | None
    source: str | None
    next_check_at: datetime | None
    version: int
    refund_reserved: int = 0
    rank: Rank = Rank.YOUNG

    @property
    def due(self) -> Money:
        """What the payer was asked for."""
        return Money(self.amount, self.currency)

    @property
    def unreturned(self) -> Money:
        """What was received and neither has gone back nor is promised back."""
        return Money(self.received - self.refunded - self.refund_reserved, self.currency)

    @property
    def terms(self) -> Terms:
        """What evidence is weighed against."""
        return Terms(
            due=self.due,
            expires_at=self.expires_at,
            late_policy=self.late_policy,
            retriable=self.retriable,
            tolerance_minor=self.tolerance,
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one gateway. Its row is committed before the gateway is called."""

    id: str
    payment_id: str
    gateway: str
    account: str
    our_ref: str
    memo: str
    provider_id: str | None
    state: AttemptState
    checkout: Mapping[str, str]
    amount: int
    currency: str
    created_at: datetime
    listen_until: datetime
    as_of: datetime | None

    @property
    def money(self) -> Money:
        """What this offer asks for."""
        return Money(self.amount, self.currency)


def is_final(phase: Phase) -> bool:
    """Whether nothing more can happen without new money or a person."""
    return phase in {Phase.PAID, Phase.EXPIRED, Phase.CANCELED}
