"""Why: the proof of a payment's state, as the evidence that put it there, in sentences."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.errors import NotFound
from tallystick.domain.evidence import Step, fold
from tallystick.domain.payment import Payment
from tallystick.flows.hub import Hub
from tallystick.store import decisions, evidence, payments
from tallystick.store.decisions import Decided

__all__ = ["Decided"]

_SOURCES = {
    "webhook": "A webhook from the gateway",
    "return": "The payer's browser, coming back",
    "fetch": "Our own question to the gateway",
    "poll": "Our own question to the gateway",
    "statement": "The account statement",
    "operator": "The merchant",
    "clock": "Our clock",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of the proof; what was said several times and moved nothing is one line."""

    at: datetime
    source: str
    trust: str
    claim: str
    sentence: str
    before: str
    after: str
    times: int = 1
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Where the payment is, why, and what is due next."""

    payment: Payment
    reasons: tuple[Reason, ...]
    due: str
    decisions: tuple[Decided, ...] = ()


async def why(hub: Hub, payment_id: str) -> Proof:
    """Fold the evidence again, before the reader's eyes. Raises NotFound."""

    def body(tx: Connection) -> Proof:
        payment = payments.find(tx, payment_id)
        if payment is None:
            raise NotFound("There is no payment with this id that you may see.")
        state = fold(payment.terms, evidence.of_payment(tx, payment_id))
        decided = tuple(decisions.about(tx, payment_id))
        return Proof(payment, _folded(map(_reason, state.steps)), _due(payment), decided)

    return await hub.database.read(body)


def _reason(step: Step) -> Reason:
    item = step.evidence
    moved = f" The payment went from {step.before} to {step.after}."
    return Reason(
        at=item.observed_at,
        source=item.source,
        trust=item.trust.name.lower(),
        claim=item.claim,
        sentence=f"{_SOURCES[item.source]}: {step.reason}"
        + (moved if step.before is not step.after else ""),
        before=step.before,
        after=step.after,
    )


def _folded(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The same, with equal lines between two moves as one."""
    found: list[Reason] = []
    said: dict[tuple[str, ...], int] = {}
    for one in reasons:
        words = (one.source, one.trust, one.claim, one.sentence)
        if one.before != one.after:
            said = {}
        elif words in said:
            before = found[said[words]]
            found[said[words]] = replace(before, times=before.times + 1, last_at=one.at)
            continue
        said[words] = len(found)
        found.append(one)
    return tuple(found)


def _due(payment: Payment) -> str:
    parts = []
    if payment.review is not None:
        parts.append(f"A person should look at it: {payment.review}.")
    if payment.next_check_at is not None:
        parts.append(f"It is looked at again at {payment.next_check_at:%Y-%m-%dT%H:%M:%SZ}.")
    return " ".join(parts) or "Nothing more is due without new money or a person."
