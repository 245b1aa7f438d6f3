"""Unmatched money: credits without an owner, which a person assigns, gives back or parks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, NotFound
from tallystick.domain.evidence import Claim, Evidence, Source, Trust
from tallystick.domain.ledger import sent_back
from tallystick.domain.match_score import Clue, MatchScore, match_score
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub
from tallystick.flows.record import Answers, Heard, record
from tallystick.store import attempts, credits, inbox, ledger, payments, unmatched
from tallystick.store.credits import KeptCredit
from tallystick.store.unmatched import Candidate, Decision

__all__ = ["Decision"]

SHOWN: Final = 5
_LOOKED_BACK: Final = timedelta(days=60)
_LEAST: Final = 20


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A payment that the money may be for. A person decides; nothing is credited by a guess."""

    payment: Candidate
    match_score: MatchScore


@dataclass(frozen=True, slots=True)
class Found:
    """A transfer without an owner, what a person may do with it, and what was done."""

    kept: KeptCredit
    suggestions: tuple[Suggestion, ...]
    decisions: tuple[Decision, ...]


async def listing(
    hub: Hub,
    *,
    state: str,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Found]:
    """One page, newest first, one more than `limit` where there are more."""

    def body(tx: Connection) -> list[Found]:
        rows = credits.page(tx, state=state, span=span, after=after, limit=limit)
        return [_found(tx, row) for row in rows]

    return await hub.database.read(body)


async def show(hub: Hub, credit_id: str) -> Found:
    """One transfer. Raises NotFound."""
    return await hub.database.read(lambda tx: _found(tx, _known(tx, credit_id)))


async def assign(
    hub: Hub, credit_id: str, payment_id: str, reason: str, actor: str
) -> tuple[Found, Snapshot]:
    """Give the money to a payment, on a person's word. Raises NotFound, Conflict.

    It goes the way of all evidence: the payment becomes paid, partial, over or a matter for review
    by the same rules as if the gateway had said so.
    """
    now = hub.now()

    def body(tx: Connection) -> tuple[Found, Snapshot]:
        _known(tx, credit_id)
        # The payment first, like everybody who writes: so nobody waits in a circle.
        if payments.lock(tx, payment_id) is None:
            raise NotFound("There is no payment with this id.")
        kept = _free(tx, credit_id)
        said = Evidence(
            source=Source.OPERATOR,
            trust=Trust.OPERATOR,
            claim=Claim.SUCCEEDED,
            observed_at=now,
            credits=(kept.credit,),
            counts=True,
            note=reason,
        )
        outcome = record(tx, hub, payment_id, [Heard(said)], Answers())
        _decide(tx, kept, Decision("assigned", reason, actor, payment_id, now))
        if kept.notice_id is not None:
            inbox.handled(tx, [kept.notice_id], payment_id, now)
        return _found(tx, _known(tx, credit_id)), outcome.snapshot

    found, snapshot = await hub.database.write(body)
    hub.live.publish(snapshot)
    return found, snapshot


async def close(hub: Hub, credit_id: str, action: str, reason: str, actor: str) -> Found:
    """Note that the money was given back by hand (`refunded`), or is left alone (`parked`).

    Raises NotFound, Conflict where it has an owner, or was given back already.
    """
    now = hub.now()

    def body(tx: Connection) -> Found:
        kept = _free(tx, credit_id)
        if action == "refunded" and kept.counted:
            ledger.post(tx, sent_back(kept.id, kept.credit.gateway, kept.credit.money), now)
        _decide(tx, kept, Decision(action, reason, actor, None, now))
        return _found(tx, _known(tx, credit_id))

    return await hub.database.write(body)


def _decide(tx: Connection, kept: KeptCredit, decision: Decision) -> None:
    credits.decide(tx, kept.id, decision.at, returned=decision.action == "refunded")
    unmatched.decide(tx, kept.id, decision)
    if kept.notice_id is not None:
        inbox.rest(tx, [kept.notice_id])


def _known(tx: Connection, credit_id: str) -> KeptCredit:
    kept = credits.find(tx, credit_id)
    if kept is None:
        raise NotFound("There is no unmatched money with this id.")
    return kept


def _free(tx: Connection, credit_id: str) -> KeptCredit:
    """The credit, if a payment can still have it. What is parked still waits for its owner."""
    kept = credits.lock(tx, _known(tx, credit_id).id)
    if kept.payment_id is not None:
        raise Conflict(
            f"This money belongs to payment {kept.payment_id}: to give it back, refund that."
        )
    if kept.returned_at is not None:
        raise Conflict("This money was given back already.")
    return kept


def _found(tx: Connection, kept: KeptCredit) -> Found:
    decisions = tuple(unmatched.decided(tx, kept.id))
    return Found(kept, _suggestions(tx, kept) if kept.is_free else (), decisions)


def _suggestions(tx: Connection, kept: KeptCredit) -> tuple[Suggestion, ...]:
    """First those that the credit itself points to, then those that are like it."""
    money = kept.credit
    named = attempts.named(tx, money.gateway, money.account, money.refs)
    owners = _owner_of_original(tx, kept) if kept.is_twin else []
    pointed = unmatched.named(tx, [attempt.id for attempt in named], owners)
    since = kept.heard_at - _LOOKED_BACK
    near = unmatched.candidates(tx, money, since, kept.heard_at)
    weighed = [Suggestion(one, _weigh(one, kept)) for one in (*pointed, *near)]
    weighed.sort(key=lambda one: (-one.match_score.score, one.payment.id))
    best: dict[str, Suggestion] = {}
    certain = {one.id for one in pointed}
    for one in weighed:
        if one.match_score.score >= _LEAST or one.payment.id in certain:
            best.setdefault(one.payment.id, one)
    return tuple(sorted(best.values(), key=lambda one: one.payment.id not in certain))[:SHOWN]


def _owner_of_original(tx: Connection, kept: KeptCredit) -> list[str]:
    originals = credits.by_name(tx, [kept.original]).values()
    return [one.payment_id for one in originals if one.payment_id is not None]


def _weigh(payment: Candidate, kept: KeptCredit) -> MatchScore:
    return match_score(
        Clue(
            codes=(payment.memo, payment.our_ref),
            memo=kept.credit.memo,
            owed=payment.amount - payment.received,
            amount=kept.credit.minor,
            opened=payment.created_at,
            at=kept.credit.at,
        )
    )
