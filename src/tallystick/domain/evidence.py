"""Evidence, and the fold that turns a set of it into the state of a payment."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final, Self

from tallystick.domain.credit import Credit
from tallystick.domain.decision import DECISIONS, send_back
from tallystick.domain.money import Money
from tallystick.domain.payment import (
    MOVES,
    AmountState,
    AttemptState,
    LatePolicy,
    Phase,
    Review,
    Signal,
    Terms,
)


class Source(StrEnum):
    """Who said it."""

    WEBHOOK = "webhook"
    RETURN = "return"
    FETCH = "fetch"
    POLL = "poll"
    STATEMENT = "statement"
    OPERATOR = "operator"
    CLOCK = "clock"


class Trust(IntEnum):
    """How far a source is believed. A browser's word is a hint and never counts."""

    HINT = 0
    SIGNED = 1
    FETCHED = 2
    OPERATOR = 3


class Claim(StrEnum):
    """What was said. Money is not a claim: it is carried as credits beside it."""

    OPENED = "opened"
    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    DEADLINE = "deadline"
    RESOLVED = "resolved"
    SUPERSEDED = "superseded"
    GIVEN_BACK = "given_back"
    UNFINISHED = "unfinished"
    ACCEPTED = "accepted"
    CLOSED_EXPIRED = "closed_expired"
    CLOSED_CANCELED = "closed_canceled"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one source said at one time. Append-only; `counts` was decided when it was heard.

    `note` is a person's reason, or names what an answer held that is not this payment's. `conflict`
    marks evidence that a person has to weigh: it does not go with what was counted, as its `note`
    says.
    """

    source: Source
    trust: Trust
    claim: Claim
    observed_at: datetime
    attempt_id: str | None = None
    credits: tuple[Credit, ...] = ()
    counts: bool = False
    conflict: bool = False
    note: str = ""

    @property
    def key(self) -> str:
        """A digest of everything said: the same evidence twice has the same key."""
        credits_ = [(*c.name, c.minor, c.currency, c.at.isoformat()) for c in self.credits]
        said = (self.source, int(self.trust), self.claim, self.observed_at.isoformat(),
                self.attempt_id, self.counts, self.conflict, credits_)  # fmt: skip
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]

    def says_the_same_as(self, other: Self) -> bool:
        """Whether a later answer of the same source brings no news."""
        return (
            self.source is other.source
            and self.trust is other.trust
            and self.claim is other.claim
            and self.credits == other.credits
            and self.conflict == other.conflict
            and self.note == other.note
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What one piece of evidence did: the move it made, if any, and why, as a sentence."""

    evidence: Evidence
    signal: Signal | None
    before: Phase
    after: Phase
    reason: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything that follows from a set of evidence.

    `goes_back` says that money came late and its payment is one that gives such money back.
    """

    phase: Phase
    amount_state: AmountState
    late: bool
    review: Review | None
    received: Money
    paid_at: datetime | None
    credits: tuple[Credit, ...]
    attempts: dict[str, AttemptState]
    steps: tuple[Step, ...]
    goes_back: bool = False


_ATTEMPT_STATES: Final = {
    Claim.PENDING: AttemptState.AWAITING_PAYER,
    Claim.PROCESSING: AttemptState.PROCESSING,
    Claim.SUCCEEDED: AttemptState.SUCCEEDED,
    Claim.FAILED: AttemptState.FAILED,
    Claim.CANCELED: AttemptState.CANCELED,
    Claim.EXPIRED: AttemptState.EXPIRED,
}
_OUR_OWN: Final = {Source.OPERATOR, Source.CLOCK}
_GAVE_UP: Final = {AttemptState.CANCELED, AttemptState.FAILED, AttemptState.EXPIRED}


def counts(trust: Trust, needed: Trust) -> bool:
    """Whether a source is believed enough to count money at a gateway that needs this much."""
    return trust >= needed and trust > Trust.HINT


def fold(terms: Terms, evidence: Iterable[Evidence]) -> State:
    """The state that a set of evidence amounts to, with the reason for each step.

    Order and repetition of the input do not matter: it is a set, walked in the order in which
    things were observed.
    """
    walk = _Walk(terms)
    unique = {item.key: item for item in evidence}
    for _, item in sorted(unique.items(), key=lambda pair: (pair[1].observed_at, pair[0])):
        walk.take(item)
    return walk.state()


@dataclass(slots=True)
class _Walk:
    """The running totals of one fold."""

    terms: Terms
    phase: Phase = Phase.DRAFT
    late: bool = False
    goes_back: bool = False
    paid_at: datetime | None = None
    paid_by: str | None = None
    money_at: datetime | None = None
    credits: dict[tuple[str, str, str], Credit] = field(default_factory=dict)
    doubted: set[tuple[str, str, str]] = field(default_factory=set)
    payers: set[str | None] = field(default_factory=set)
    attempts: dict[str, AttemptState] = field(default_factory=dict)
    reviews: set[Review] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)

    def take(self, item: Evidence) -> None:
        """Weigh one piece of evidence: its money first, then its words."""
        before = self.phase
        signal, reason = self._weigh(item)
        if signal is not None:
            self.phase = MOVES.get((before, signal), before)
        if self.phase is not Phase.PROCESSING:
            self.reviews.discard(Review.UNFINISHED)
        is_said = item.conflict or item.source in _OUR_OWN
        told = f"{reason} {item.note}" if item.note and not is_said else reason
        self.steps.append(Step(item, signal, before, self.phase, told))

    def state(self) -> State:
        """What all of it amounts to."""
        review = next((reason for reason in Review if reason in self.reviews), None)
        received = self.received()
        return State(
            phase=self.phase,
            amount_state=self.terms.amount_state(received),
            late=self.late,
            review=review,
            received=Money(received, self.terms.due.currency),
            paid_at=self.paid_at,
            credits=tuple(sorted(self.credits.values())),
            attempts=dict(self.attempts),
            steps=tuple(self.steps),
            goes_back=self.goes_back,
        )

    def _weigh(self, item: Evidence) -> tuple[Signal | None, str]:
        if item.trust is Trust.HINT:
            return None, "It is a browser's word: it tells us where to ask, and nothing more."
        if item.conflict:
            self.reviews.add(Review.CONTRADICTION)
            return None, item.note or _ANOTHERS
        if item.source in _OUR_OWN and not item.credits:
            return self._weigh_our_own(item)
        if not item.counts:
            self.doubted.update(credit.name for credit in item.credits)
            return None, "It is a hint: we asked the gateway ourselves before believing it."
        self._note_attempt(item)
        if any(self.credits.get(c.name, c).money != c.money for c in item.credits):
            # One transfer told of with two amounts: what was counted stands, and a person looks.
            self.reviews.add(Review.CONTRADICTION)
        fresh = [credit for credit in item.credits if credit.name not in self.credits]
        if not fresh:
            return self._weigh_words(item)
        signal, reason = self._weigh_money(item, fresh)
        # What has come is final, and is not all: nothing is in flight any more.
        return signal or (Signal.MONEY_GONE if self._is_withdrawn(item) else None), reason

    def _weigh_our_own(self, item: Evidence) -> tuple[Signal | None, str]:
        if item.claim is Claim.OPENED:
            return self._weigh_opening(item)
        if item.claim is Claim.CANCELED:
            return self._weigh_cancellation(item.note or "The merchant canceled the offer.")
        if item.claim in DECISIONS:
            return DECISIONS[item.claim](self, item.note, item.observed_at)
        if item.claim is Claim.SUPERSEDED:
            self.reviews.add(Review.SECOND_PAYER)
            return None, "What it is for was paid by another payment; this one is to go back."
        if item.claim is Claim.DEADLINE:
            return self._weigh_deadline()
        if item.claim is Claim.GIVEN_BACK:
            return self._weigh_return(item.note)
        return None, item.note or "It is a note of our own and moves nothing."

    def _weigh_cancellation(self, reason: str) -> tuple[Signal | None, str]:
        if self.phase not in {Phase.DRAFT, Phase.OPEN}:
            return None, f"It is {self.phase} already, so canceling changes nothing."
        self.note_partial()
        return Signal.CANCELED, reason

    def _weigh_return(self, note: str) -> tuple[Signal | None, str]:
        """Money that went back is still a receipt: it must not complete a payment later."""
        if self.phase not in {Phase.OPEN, Phase.EXPIRED}:
            return None, f"Money goes back; the payment stays {self.phase}."
        return Signal.CANCELED, note or "What had come goes back, so the offer is closed for good."

    def _weigh_opening(self, item: Evidence) -> tuple[Signal | None, str]:
        if self.terms.due.minor or self.phase is not Phase.DRAFT:
            return Signal.OPENED, "The offer is open: a payer can pay it."
        self.paid_at = item.observed_at
        return Signal.PAID, "Nothing is to be paid, so it is paid as it is opened."

    def _weigh_deadline(self) -> tuple[Signal | None, str]:
        if self.phase not in {Phase.DRAFT, Phase.OPEN}:
            return None, f"The deadline passed, but the payment is {self.phase}."
        self.note_partial()
        succeeded = {a for a, s in self.attempts.items() if s is AttemptState.SUCCEEDED}
        if self.doubted - self.credits.keys() or succeeded - self.payers:
            # A signed notice told of money that the gateway's own books deny, or the books say
            # that it is paid and show no money.
            self.reviews.add(Review.CONTRADICTION)
        return Signal.DEADLINE, "The deadline passed, and the last question found no full payment."

    def note_partial(self) -> None:
        """The offer ends with a part of the money here: a person has to give it back."""
        if self.terms.amount_state(self.received()) is AmountState.PARTIAL:
            self.reviews.add(Review.UNDERPAID)

    def _weigh_money(self, item: Evidence, fresh: list[Credit]) -> tuple[Signal | None, str]:
        self.credits.update((credit.name, credit) for credit in fresh)
        self.payers.add(item.attempt_id)
        ours = [c for c in fresh if c.currency == self.terms.due.currency]
        told = " and ".join(f"{c.money} (transaction {c.transaction_id})" for c in fresh)
        if len(ours) < len(fresh):
            self.reviews.add(Review.WRONG_CURRENCY)
        if not ours:
            return None, f"{told} arrived, but {self.terms.due.currency} is due; a person decides."
        if self.phase is not Phase.PAID and self._is_unwanted(item, ours):
            return send_back(self, told)
        if self.phase is Phase.CANCELED:
            self.money_at = self._arrival(item, ours)
            self.reviews.add(Review.LATE_AFTER_CANCEL)
            return None, f"{told} arrived after the payment was canceled; a person decides."
        if self.phase is Phase.PAID:
            return self._weigh_surplus(item, told)
        return self._weigh_sum(item, ours, told)

    def _weigh_surplus(self, item: Evidence, told: str) -> tuple[Signal | None, str]:
        received, due = self.received(), self.terms.due
        if received <= due.minor:
            return None, f"{told} arrived too: {received_of(received, due)} of what was accepted."
        another = item.attempt_id != self.paid_by
        self.reviews.add(Review.SECOND_PAYER if another else Review.OVER)
        return None, f"{told} arrived on top of what was paid; the surplus is to go back."

    def _weigh_sum(
        self, item: Evidence, ours: list[Credit], told: str
    ) -> tuple[Signal | None, str]:
        effective = self.money_at = self._arrival(item, ours)
        received, due = self.received(), self.terms.due
        late = effective > self.terms.expires_at
        self.late = self.late or late
        state = self.terms.amount_state(received)
        if state is AmountState.PARTIAL:
            if self.phase is Phase.EXPIRED:
                self.reviews.add(Review.UNDERPAID)
            return None, f"{told} arrived: {Money(received, due.currency)} of {due} in all."
        if late and self.terms.late_policy is LatePolicy.REVIEW:
            self.reviews.add(Review.LATE)
            return None, f"{told} arrived after the deadline; this product leaves it to a person."
        if state is AmountState.OVER:
            self.reviews.add(Review.OVER)
        self.reviews.discard(Review.UNDERPAID)
        self.paid_at, self.paid_by = effective, item.attempt_id
        when = " after the deadline" if late else ""
        return Signal.PAID, f"{told} arrived{when}, which makes {received_of(received, due)}."

    def _arrival(self, item: Evidence, ours: list[Credit]) -> datetime:
        """When the sum was complete: with its last part, in whatever order we heard of them."""
        # A bank's clock may run ahead of ours; money is never later than our hearing of it.
        arrivals = [min(credit.at, item.observed_at) for credit in ours]
        return max([*arrivals, *filter(None, [self.money_at])])

    def _is_unwanted(self, item: Evidence, ours: list[Credit]) -> bool:
        """Whether this money is late for a payment that gives late money back."""
        gives_back = self.terms.late_policy is LatePolicy.AUTO_REFUND
        return gives_back and self._arrival(item, ours) > self.terms.expires_at

    def _weigh_words(self, item: Evidence) -> tuple[Signal | None, str]:
        others = {s for a, s in self.attempts.items() if a != item.attempt_id}
        if item.claim is Claim.PROCESSING:
            return Signal.MONEY_SEEN, "The gateway sees money that is not final yet."
        if self._is_withdrawn(item):
            return Signal.MONEY_GONE, "The gateway no longer sees the money that it saw before."
        if item.claim is Claim.CANCELED:
            if self.terms.retriable or others - _GAVE_UP:
                return None, "The payer gave up at this gateway; another try is still possible."
            return self._weigh_cancellation("The payer gave up at the gateway.")
        if item.claim is Claim.SUCCEEDED and item.attempt_id not in self.payers:
            return None, "The gateway says it is paid, and names no money that we could count."
        return None, _WORDS.get(item.claim, "The gateway was asked and had no news of money.")

    def _is_withdrawn(self, item: Evidence) -> bool:
        """Whether money was in flight, and with this word none is any more."""
        others = {s for a, s in self.attempts.items() if a != item.attempt_id}
        return (
            self.phase is Phase.PROCESSING
            and item.claim is not Claim.PROCESSING
            and AttemptState.PROCESSING not in others
        )

    def _note_attempt(self, item: Evidence) -> None:
        state = _ATTEMPT_STATES.get(item.claim)
        if item.attempt_id is None or state is None:
            return
        if self.attempts.get(item.attempt_id) is not AttemptState.SUCCEEDED:
            self.attempts[item.attempt_id] = state

    def received(self) -> int:
        """The sum of what came in the currency that is due."""
        wanted = self.terms.due.currency
        return sum(c.minor for c in self.credits.values() if c.currency == wanted)


_ANOTHERS: Final = "The money it names already belongs to another payment; a person decides."
_WORDS: Final = {
    Claim.FAILED: "The payment failed at the gateway; the payer can try again.",
    Claim.EXPIRED: "The gateway closed its side of the offer.",
    Claim.SUCCEEDED: "The gateway says it is paid, with money that we have counted already.",
}


def received_of(received_minor: int, due: Money) -> str:
    """How much of what is due has come, for sentences: 30000 VND of 50000 VND."""
    return f"{Money(received_minor, due.currency)} of {due}"
