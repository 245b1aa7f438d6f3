"""Everything about one payment at one version, as answers, streams and pages tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tallystick.domain.money import Money
from tallystick.domain.payment import AmountState, AttemptState, LatePolicy, Phase, Review
from tallystick.domain.refund import Returned, returned


@dataclass(frozen=True, slots=True)
class LinkPart:
    """What a payment link adds: its own names, and the gateways the payer may choose from."""

    id: str
    short_code: str
    gateways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttemptPart:
    """The latest attempt: where it stands and what the payer needs for it."""

    id: str
    gateway: str
    our_ref: str
    state: AttemptState
    checkout: Mapping[str, str]
    provider_id: str | None = None
    account: str = ""


class PaymentError(StrEnum):
    """Why a payer did not pay, in the codes of `payment_error`."""

    DECLINED = "declined"
    CANCELED = "canceled"
    EXPIRED = "session_expired"


class MatchMethod(StrEnum):
    """How money found its payment."""

    REFERENCE = "reference"
    MEMO = "memo"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class TransactionPart:
    """One transfer of money that the payment received. Only for callers who may see identities.

    `memo` is what the payer wrote, where the gateway tells of it.
    """

    transaction_id: str
    gateway: str
    amount: Money
    paid_at: datetime
    memo: str
    matched_by: MatchMethod


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One payment, read in one go. `version` grows by one with every change that can be seen."""

    id: str
    purpose: str
    phase: Phase
    amount_state: AmountState
    late: bool
    review: Review | None
    due: Money
    received_minor: int
    refunded_minor: int
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
    expires_at: datetime
    paid_at: datetime | None
    as_of: datetime | None
    source: str | None
    next_check_at: datetime | None
    version: int
    attempt: AttemptPart | None
    link: LinkPart | None
    last_event: tuple[str, datetime] | None
    transactions: tuple[TransactionPart, ...]
    tolerance_minor: int = 0
    late_policy: LatePolicy = LatePolicy.AUTO_FULFIL

    @property
    def payment_error(self) -> PaymentError | None:
        """Why whoever wanted this paid has no money yet; None while all can still go well."""
        if self.phase is Phase.EXPIRED:
            return PaymentError.EXPIRED
        if self.phase is Phase.CANCELED:
            return PaymentError.CANCELED
        declined = self.attempt is not None and self.attempt.state is AttemptState.FAILED
        return PaymentError.DECLINED if declined and self.phase is Phase.OPEN else None

    @property
    def returned(self) -> Returned:
        """How much of what was received went back."""
        return returned(self.received_minor, self.refunded_minor)
