"""What a person decides about a payment, and what a merchant decided beforehand, in its fold."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from tallystick.domain.money import Money
from tallystick.domain.payment import AmountState, Phase, Review, Signal, Terms

if TYPE_CHECKING:
    from tallystick.domain.evidence import State

Weighed = tuple[Signal | None, str]


class Action(StrEnum):
    """What a person decided, as the log of decisions names it."""

    ACCEPTED = "accepted"
    MARKED_PAID = "marked_paid"
    CLOSED = "closed"
    REVIEWED = "reviewed"
    RELEASED = "released"
    RESENT = "resent"
    REVOKED = "revoked"


class Walk(Protocol):
    """The part of a running fold that a decision may change."""

    terms: Terms
    phase: Phase
    late: bool
    goes_back: bool
    paid_at: datetime | None
    money_at: datetime | None
    reviews: set[Review]

    def received(self) -> int:
        """The sum of what came in the currency that is due."""
        ...

    def note_partial(self) -> None:
        """The offer ends; with a part of the money here it goes before a person."""
        ...


def resolve(walk: Walk, note: str, at: datetime) -> Weighed:  # noqa: ARG001 - all decisions alike
    """Looked at: the flag goes, the facts stay. What is new may raise another."""
    walk.reviews.clear()
    return None, f"A person looked at it and closed the review{_because(note)}."


def accept(walk: Walk, note: str, at: datetime) -> Weighed:
    """What came is enough. The amount state stays the truth, and so does a surplus."""
    received, due = walk.received(), walk.terms.due
    if walk.phase is Phase.PAID or received <= 0:
        return None, f"It is {walk.phase}, with {Money(received, due.currency)}: nothing to accept."
    state = walk.terms.amount_state(received)
    walk.reviews -= {Review.UNDERPAID, Review.LATE, Review.LATE_AFTER_CANCEL}
    if state is AmountState.OVER:
        walk.reviews.add(Review.OVER)
    # Money that came after a cancellation was never weighed against the deadline.
    walk.late = walk.late or (walk.money_at is not None and walk.money_at > walk.terms.expires_at)
    walk.paid_at = at
    came = Money(received, due.currency)
    return Signal.ACCEPTED, f"A person accepted {came} of {due} as enough{_because(note)}."


def close_expired(walk: Walk, note: str, at: datetime) -> Weighed:  # noqa: ARG001
    """End what the gateway leaves in flight, as if the time had run out."""
    return _close(walk, Signal.CLOSED_EXPIRED, Phase.EXPIRED, note)


def close_canceled(walk: Walk, note: str, at: datetime) -> Weighed:  # noqa: ARG001
    """End what the gateway leaves in flight, as a cancellation: nothing completes it later."""
    return _close(walk, Signal.CLOSED_CANCELED, Phase.CANCELED, note)


def note_unfinished(walk: Walk, note: str, at: datetime) -> Weighed:  # noqa: ARG001
    """The gateway has called it in flight for too long: a person should look."""
    if walk.phase is not Phase.PROCESSING:
        return None, f"It was in flight for long, and is {walk.phase}."
    walk.reviews.add(Review.UNFINISHED)
    return None, "The gateway has not finished it for too long; a person should look."


def send_back(walk: Walk, told: str) -> Weighed:
    """Money came late for a payment that gives late money back: it completes nothing."""
    walk.late = walk.goes_back = True
    walk.reviews.discard(Review.UNDERPAID)
    return None, f"{told} arrived after the deadline; what came goes back by itself."


def in_flight_too_long(state: "State", since: datetime) -> bool:
    """Whether money has been in flight since then or longer, and nobody was told of this flight."""
    if state.phase is not Phase.PROCESSING:
        return False
    took_off = next(step for step in reversed(state.steps) if step.before is not Phase.PROCESSING)
    told = any(
        step.evidence.claim == "unfinished" and step.before is Phase.PROCESSING
        for step in state.steps[state.steps.index(took_off) + 1 :]
    )
    return not told and took_off.evidence.observed_at <= since


DECISIONS: Final[Mapping[str, Callable[[Walk, str, datetime], Weighed]]] = {
    "resolved": resolve,
    "accepted": accept,
    "closed_expired": close_expired,
    "closed_canceled": close_canceled,
    "unfinished": note_unfinished,
}
"""By the claim that each is made with."""


def _close(walk: Walk, signal: Signal, end: Phase, note: str) -> Weighed:
    if walk.phase is not Phase.PROCESSING:
        return None, f"It is {walk.phase}, so there was nothing to close."
    walk.note_partial()
    return signal, f"A person closed it as {end}{_because(note)}."


def _because(note: str) -> str:
    return f", because: {note.rstrip('.')}" if note else ""
