"""What a gift card is: its states and moves as tables, and what happens to its money."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tallystick.domain.errors import Conflict


class CardState(StrEnum):
    """Where a card stands. Only the last three have a code."""

    PENDING = "pending"
    LAPSED = "lapsed"
    ACTIVE = "active"
    FROZEN = "frozen"
    REVOKED = "revoked"


class CardSignal(StrEnum):
    """What happens to a card."""

    PAID = "paid"
    LAPSE = "lapse"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    REVOKE = "revoke"


CARD_MOVES: Final[dict[tuple[CardState, CardSignal], CardState]] = {
    (CardState.PENDING, CardSignal.PAID): CardState.ACTIVE,
    (CardState.PENDING, CardSignal.LAPSE): CardState.LAPSED,
    # Money may come after the offer is over; it is never refused.
    (CardState.LAPSED, CardSignal.PAID): CardState.ACTIVE,
    (CardState.ACTIVE, CardSignal.FREEZE): CardState.FROZEN,
    (CardState.FROZEN, CardSignal.UNFREEZE): CardState.ACTIVE,
    (CardState.ACTIVE, CardSignal.REVOKE): CardState.REVOKED,
    (CardState.FROZEN, CardSignal.REVOKE): CardState.REVOKED,
}
"""The whole state machine. A pair that is not here is an illegal move."""

CODED: Final = (CardState.ACTIVE, CardState.FROZEN, CardState.REVOKED)


class HoldState(StrEnum):
    """Where a held part of a card stands."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"


class MovementKind(StrEnum):
    """What can happen to the money of a card."""

    ISSUE = "issue"
    REDEEM = "redeem"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    REFUND = "refund"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


NAMED: Final = (MovementKind.REDEEM, MovementKind.HOLD, MovementKind.CAPTURE, MovementKind.RELEASE)
"""The kinds that carry the merchant's reference, happen once for each, and have a transfer.

The others move no money, or money that the payment's own transfers book."""


@dataclass(frozen=True, slots=True)
class Card:
    """One gift card as its row has it. E-mail and code are sealed; `amount` is its face value."""

    id: str
    payment_id: str
    state: CardState
    amount: int
    currency: str
    language: str
    email_sealed: bytes
    email_lookup: str | None
    code_hash: str | None
    code_sealed: bytes | None
    created_at: datetime
    issued_at: datetime | None

    def after(self, signal: CardSignal) -> CardState:
        """The state that the signal leads to. Raises Conflict."""
        state = CARD_MOVES.get((self.state, signal))
        if state is None:
            raise Conflict(f"The gift card is {self.state}, so there is no {signal} for it.")
        return state


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a card's history. `balance` is what could be spent afterwards."""

    id: str
    card_id: str
    kind: MovementKind
    reference: str | None
    amount: int
    currency: str
    balance: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """A part of a card that is set aside: it can be captured or released, and not spent twice."""

    id: str
    card_id: str
    reference: str
    state: HoldState
    amount: int
    captured: int
    currency: str
    expires_at: datetime
    created_at: datetime
