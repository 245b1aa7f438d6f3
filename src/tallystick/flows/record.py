"""One transaction: evidence, receipts, the move, the ledger, the delivery and the rows to send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.decision import in_flight_too_long
from tallystick.domain.document import payment as payment_document
from tallystick.domain.errors import NotFound, RaceLost
from tallystick.domain.evidence import Claim, Evidence, Source, State, Trust, fold
from tallystick.domain.payment import (
    ATTEMPT_MOVES,
    AmountState,
    Attempt,
    AttemptState,
    Payment,
    Phase,
)
from tallystick.domain.raw_bytes import Raw
from tallystick.domain.snapshot import Snapshot
from tallystick.flows import book_refund, contradiction, late_money
from tallystick.flows.claim import own_money, receive
from tallystick.flows.hub import Hub, found
from tallystick.flows.timer import UNFINISHED, next_check
from tallystick.flows.unlistened import handed_over, unlistened
from tallystick.flows.withdraw import withdraw_offers
from tallystick.gateways.abilities import RefundVerdict
from tallystick.gateways.base import Verdict
from tallystick.store import (
    attempts,
    events,
    evidence,
    inbox,
    outbox,
    payments,
    snapshots,
)
from tallystick.store.events import Event
from tallystick.store.inbox import KeptNotice
from tallystick.store.outbox import News

_GAVE_UP: Final = {AttemptState.FAILED, AttemptState.CANCELED, AttemptState.EXPIRED}
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Heard:
    """One piece of evidence, and the bytes it came as."""

    evidence: Evidence
    raw: Raw | None = None


@dataclass(slots=True)
class Answers:
    """What the gateways said, and whether one could not be heard, or was `skipped` as silent."""

    heard: list[Heard] = field(default_factory=list)
    asked: dict[str, datetime] = field(default_factory=dict)
    recovered: dict[str, Verdict] = field(default_factory=dict)
    refunds: dict[str, tuple[RefundVerdict, ...]] = field(default_factory=dict)
    unheard: bool = False
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the transaction left behind. `changed` means that a watcher would see a difference."""

    snapshot: Snapshot
    changed: bool
    before: Phase


def record(
    tx: Connection,
    hub: Hub,
    payment_id: str,
    heard: Sequence[Heard],
    answers: Answers,
    notices: Sequence[KeptNotice] = (),
) -> Outcome:
    """Write down what was heard and everything that follows from it. Raises NotFound, RaceLost."""
    now = hub.now()
    before = payments.lock(tx, payment_id)
    if before is None:
        raise NotFound("There is no payment with this id that you may see.")
    tries = attempts.of_payment(tx, payment_id)
    known = _append(tx, before, heard, now)
    if _deadline_is_proven(before, tries, answers, hub, now):
        known = _append(tx, before, [_deadline(now)], now, known)
    lost = handed_over(hub, before, tries, known, now)
    gone = contradiction.vanished(hub, tries, answers.recovered, known, now)
    known = _append(tx, before, [Heard(item) for item in (*lost, *gone)], now, known)
    state = fold(before.terms, known)
    if own := _own_words(tx, hub, before, state, now):
        known = _append(tx, before, own, now, known)
        state = fold(before.terms, known)
    offered = _note_attempts(tx, tries, state, answers)
    declined = _all_failed(tries, state)
    receive(tx, hub, payment_id, state, known)
    after = _after(before, state, tries, answers, now)
    changed = offered or _looks_different(before, after)
    due, rank = next_check(hub, after, tries, known, now)
    timed = replace(after, next_check_at=due, rank=rank)
    if changed:
        _move(tx, before, timed, state, now)
        _fulfil(tx, hub, before, timed, now)
        withdraw_offers(tx, hub, timed, tries, state, now)
    else:
        payments.set_timer(tx, timed)
    if declined and after.phase is Phase.OPEN:
        hub.fulfilments[after.purpose].declined(tx, after, now)
    contradiction.tell(tx, payment_id, gone, now)
    changed = _note_refunds(tx, hub, payment_id, tries, answers, now) or changed
    news = timed.received > before.received or timed.phase is not before.phase
    if news and late_money.give_back(tx, hub, payment_id, state, now):
        record(tx, hub, payment_id, [Heard(book_refund.given_back(now))], Answers())
        changed = True
    if not answers.unheard:
        inbox.handled(tx, [notice.id for notice in notices], payment_id, now)
    return Outcome(found(snapshots.find(tx, payment_id)), changed, before.phase)


def _note_refunds(
    tx: Connection, hub: Hub, payment_id: str, tries: Sequence[Attempt], answers: Answers,
    now: datetime,
) -> bool:  # fmt: skip
    """Book what went back without us; whether a watcher would see a difference."""
    news = False
    for attempt in tries:
        verdicts = answers.refunds.get(attempt.id, ())
        news = book_refund.note(tx, hub, payment_id, attempt, verdicts, now) or news
    if news:
        note_what_is_owed(tx, hub, payment_id, now)
    payment = payments.find(tx, payment_id)
    if news and payment is not None and book_refund.closes_the_offer(payment):
        record(tx, hub, payment_id, [Heard(book_refund.given_back(now))], Answers())
    return news


def note_what_is_owed(tx: Connection, hub: Hub, payment_id: str, now: datetime) -> None:
    """A refund did not reach the payer: a person is told."""
    known = evidence.of_payment(tx, payment_id)
    owed = contradiction.still_owed(tx, payment_id, known, now)
    if owed:
        record(tx, hub, payment_id, [Heard(item) for item in owed], Answers())


def _append(
    tx: Connection,
    payment: Payment,
    heard: Sequence[Heard],
    now: datetime,
    known: list[Evidence] | None = None,
) -> list[Evidence]:
    """Keep what is news; returns all evidence that there is now."""
    known = evidence.of_payment(tx, payment.id) if known is None else known
    for item in sorted(heard, key=lambda one: one.evidence.observed_at):
        said = own_money(tx, payment.id, item.evidence, now)
        if _is_old_news(said, known):
            continue
        said = _in_turn(said, known)
        if evidence.append(tx, payment.id, said, item.raw, now):
            known.append(said)
    return known


def _is_old_news(said: Evidence, known: Sequence[Evidence]) -> bool:
    """The same answer as last time, or a notice that is taken up once more."""
    before = [e for e in known if e.source is said.source and e.attempt_id == said.attempt_id]
    if said.source is Source.FETCH:
        return bool(before) and said.says_the_same_as(before[-1])
    return said.source is Source.WEBHOOK and any(
        said.says_the_same_as(e) and e.observed_at >= said.observed_at for e in before
    )


def _in_turn(said: Evidence, known: Sequence[Evidence]) -> Evidence:
    """Nothing is put before what we have acted on: not by a slow answer, nor by a clock set back.

    Else a word from before a payment was paid could take the payment back.
    """
    latest = max((item.observed_at for item in known), default=said.observed_at - _TICK)
    return replace(said, observed_at=max(said.observed_at, latest + _TICK))


def _deadline(now: datetime) -> Heard:
    return Heard(Evidence(Source.CLOCK, Trust.OPERATOR, Claim.DEADLINE, observed_at=now))


def _own_words(
    tx: Connection, hub: Hub, before: Payment, state: State, now: datetime
) -> list[Heard]:
    """What we have to say ourselves about a state like this."""
    patience = timedelta(seconds=hub.settings.processing_review_after_s)
    claims = [Claim.SUPERSEDED] if _comes_second(tx, hub, before, state) else []
    claims += [Claim.UNFINISHED] if in_flight_too_long(state, now - patience) else []
    return [Heard(Evidence(Source.CLOCK, Trust.OPERATOR, one, observed_at=now)) for one in claims]


def _comes_second(tx: Connection, hub: Hub, before: Payment, state: State) -> bool:
    """It becomes paid now, and what it is for was bought by another payment already."""
    becomes_paid = state.phase is Phase.PAID and before.phase is not Phase.PAID
    return becomes_paid and hub.fulfilments[before.purpose].superseded(tx, before)


def _deadline_is_proven(
    payment: Payment, tries: Sequence[Attempt], answers: Answers, hub: Hub, now: datetime
) -> bool:
    """The offer is over, and every gateway that can be asked was asked after the deadline."""
    if payment.phase not in {Phase.DRAFT, Phase.OPEN} or now < payment.expires_at:
        return False
    if hub.why_nothing_expires(now) is not None:
        return False
    if unlistened(hub, payment, tries):
        return False
    askable = [a for a in tries if (gateway := hub.gateway_of(a)) is not None
               and gateway.capabilities.asks
               and a.state is not AttemptState.CREATED]  # fmt: skip
    never = datetime.min.replace(tzinfo=now.tzinfo)
    return all(
        (answers.asked.get(attempt.id) or attempt.as_of or never) >= payment.expires_at
        for attempt in askable
    )


def _note_attempts(
    tx: Connection, tries: Sequence[Attempt], state: State, answers: Answers
) -> bool:
    """Bring the attempts' rows up to date; whether a payer's page would look different."""
    changed = False
    for attempt in tries:
        asked_at = answers.asked.get(attempt.id)
        if asked_at is not None:
            attempts.asked(tx, attempt.id, asked_at)
        verdict = answers.recovered.get(attempt.id)
        if verdict is not None and verdict.checkout is not None and not attempt.checkout:
            checkout = verdict.checkout
            attempts.offered(tx, attempt.id, checkout.provider_id, checkout.document())
            changed = True
        now_in = state.attempts.get(attempt.id)
        if now_in is not None and now_in in ATTEMPT_MOVES[attempt.state]:
            attempts.set_state(tx, attempt.id, now_in)
            changed = True
    return changed


def _all_failed(tries: Sequence[Attempt], state: State) -> bool:
    """Whether the last try that was still to be paid has failed with what was heard now."""
    ends = [state.attempts.get(attempt.id, attempt.state) for attempt in tries]
    fresh = any(
        end is AttemptState.FAILED is not attempt.state
        for end, attempt in zip(ends, tries, strict=True)
    )
    return fresh and set(ends) <= _GAVE_UP


def _after(
    before: Payment,
    state: State,
    tries: Sequence[Attempt],
    answers: Answers,
    now: datetime,
) -> Payment:
    asked_at = max(answers.asked.values(), default=None)
    moved = state.phase is not before.phase
    return replace(
        before,
        phase=state.phase,
        amount_state=state.amount_state,
        late=state.late,
        review=state.review,
        received=state.received.minor,
        gateway=tries[-1].gateway if tries else before.gateway,
        opened_at=before.opened_at or (now if state.phase is not Phase.DRAFT else None),
        closed_at=now if moved and state.phase not in UNFINISHED else before.closed_at,
        paid_at=state.paid_at,
        as_of=asked_at or before.as_of,
        source=state.steps[-1].evidence.source if state.steps else before.source,
        updated_at=now,
    )


def _looks_different(before: Payment, after: Payment) -> bool:
    def seen(payment: Payment) -> tuple[object, ...]:
        return (payment.phase, payment.amount_state, payment.late, payment.review,
                payment.received, payment.gateway)  # fmt: skip

    return seen(before) != seen(after)


def _move(tx: Connection, before: Payment, after: Payment, state: State, now: datetime) -> None:
    """The conditional update, its history, and what the merchant's systems are told of it."""
    if not payments.move(tx, before, after):
        raise RaceLost("Another writer moved this payment first.")
    version = before.version + 1
    happened = _events(before, after, state, now)
    for event in happened:
        events.append(tx, before.id, version, event)
    if happened:
        shown = payment_document(found(snapshots.find(tx, before.id)))
        for event in happened:
            key = f"{before.id}/{version}"
            outbox.tell(tx, News(event.type, key, before.id, shown, before.id), now)


def _fulfil(tx: Connection, hub: Hub, before: Payment, after: Payment, now: datetime) -> None:
    """The effects that belong to whoever moved it. What they tell comes after the payment."""
    if after.phase is before.phase:
        if after.phase is Phase.PAID and after.received > before.received:
            hub.fulfilments[after.purpose].cover(tx, after, now)
    elif after.phase is Phase.PAID:
        hub.fulfilments[after.purpose].fulfil(tx, after, now)
    elif after.phase in {Phase.EXPIRED, Phase.CANCELED} and before.phase in UNFINISHED:
        hub.fulfilments[after.purpose].lapse(tx, after, now)


_PHASE_EVENTS: Final[Mapping[Phase, str]] = {
    Phase.OPEN: "payment.opened",
    Phase.PROCESSING: "payment.processing",
    Phase.PAID: "payment.paid",
    Phase.EXPIRED: "payment.expired",
    Phase.CANCELED: "payment.canceled",
}


def _events(before: Payment, after: Payment, state: State, now: datetime) -> list[Event]:
    """What a merchant is told of this change, the most telling last."""
    moved = before.phase is not after.phase
    last = state.steps[-1] if state.steps else None
    step = next((s for s in reversed(state.steps) if s.after is not s.before), last)
    told = (step if moved else last) or last
    reason = told.reason if told is not None else ""
    types = [_PHASE_EVENTS[after.phase]] if moved else []
    more_money = after.received > before.received
    if more_money and after.amount_state is AmountState.PARTIAL:
        types.append("payment.underpaid")
    if more_money and after.amount_state is AmountState.OVER:
        types.append("payment.overpaid")
    if moved and after.phase is Phase.PAID and after.late:
        types.append("payment.paid_late")
    if after.review is not None and after.review is not before.review:
        types.append("payment.review")
    signal = step.signal if moved and step is not None else None
    return [
        Event(kind, before.phase, after.phase, signal if index == 0 else None, reason, now)
        for index, kind in enumerate(types)
    ]
