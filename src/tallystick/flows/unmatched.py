"""Unmatched money: kept, shown with suggestions, and assigned, given back or parked by a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.errors import Conflict, NotFound
from tallystick.domain.evidence import Claim, Credit, Evidence, Source, Trust
from tallystick.domain.likeness import Clue, Likeness, likeness
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.hub import Hub
from tallystick.flows.record import Answers, Heard, record
from tallystick.store import inbox, ledger, payments, unmatched
from tallystick.store.unmatched import Candidate, Decision, Unmatched

SHOWN: Final = 5
_LOOKED_BACK: Final = timedelta(days=60)
_LEAST: Final = 20


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A payment that the money may be for. A person decides; nothing is credited by a guess."""

    payment: Candidate
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Found:
    """A transfer without an owner, what a person may do with it, and what was done."""

    row: Unmatched
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
        rows = unmatched.page(tx, state=state, span=span, after=after, limit=limit)
        return [_found(tx, row) for row in rows]

    return await hub.database.read(body)


async def show(hub: Hub, notice_id: str) -> Found:
    """One transfer. Raises NotFound."""
    return await hub.database.read(lambda tx: _found(tx, _known(tx, notice_id)))


async def assign(
    hub: Hub, notice_id: str, payment_id: str, reason: str, actor: str
) -> tuple[Found, Snapshot]:
    """Credit the money to a payment, on a person's word. Raises NotFound, Conflict.

    It goes the way of all evidence: the payment becomes paid, partial, over or a matter for review
    by the same rules as if the gateway had said so.
    """
    now = hub.now()

    def body(tx: Connection) -> tuple[Found, Snapshot]:
        row = _undecided(tx, notice_id)
        if payments.lock(tx, payment_id) is None:
            raise NotFound("There is no payment with this id.")
        if ledger.owners(tx, row.credits):
            raise Conflict("This transaction is credited to a payment already.")
        said = _said(row.credits, reason, now)
        outcome = record(tx, hub, payment_id, [Heard(said)], Answers())
        unmatched.decide(tx, notice_id, Decision("assigned", reason, actor, payment_id, now))
        inbox.handled(tx, [notice_id], payment_id, now)
        return _found(tx, _known(tx, notice_id)), outcome.snapshot

    found, snapshot = await hub.database.write(body)
    hub.live.publish(snapshot)
    return found, snapshot


async def close(hub: Hub, notice_id: str, action: str, reason: str, actor: str) -> Found:
    """Note that the money was given back by hand (`refunded`), or is left alone (`parked`).

    Raises NotFound, Conflict where something was decided that cannot be taken back.
    """
    now = hub.now()

    def body(tx: Connection) -> Found:
        _undecided(tx, notice_id)
        unmatched.decide(tx, notice_id, Decision(action, reason, actor, None, now))
        return _found(tx, _known(tx, notice_id))

    return await hub.database.write(body)


def _said(credits_: tuple[Credit, ...], reason: str, now: datetime) -> Evidence:
    return Evidence(
        source=Source.OPERATOR,
        trust=Trust.OPERATOR,
        claim=Claim.SUCCEEDED,
        observed_at=now,
        credits=credits_,
        counts=True,
        note=reason,
    )


def _known(tx: Connection, notice_id: str) -> Unmatched:
    row = unmatched.find(tx, notice_id)
    if row is None:
        raise NotFound("There is no unmatched money with this id.")
    return row


def _undecided(tx: Connection, notice_id: str) -> Unmatched:
    row = _known(tx, notice_id)
    if not _is_waiting(row, unmatched.decided(tx, notice_id)):
        raise Conflict("This money has found its owner, or was given back, already.")
    return row


def _is_waiting(row: Unmatched, decisions: Sequence[Decision]) -> bool:
    """What is parked still waits for its owner."""
    return row.handled_at is None and all(one.action == "parked" for one in decisions)


def _found(tx: Connection, row: Unmatched) -> Found:
    decisions = tuple(unmatched.decided(tx, row.id))
    waiting = _is_waiting(row, decisions)
    return Found(row, _suggestions(tx, row) if waiting else (), decisions)


def _suggestions(tx: Connection, row: Unmatched) -> tuple[Suggestion, ...]:
    money = row.credits[0]
    since = row.received_at - _LOOKED_BACK
    near = unmatched.candidates(tx, row.gateway, money, since, row.received_at)
    weighed = [Suggestion(one, _weigh(one, row, money)) for one in near]
    weighed.sort(key=lambda one: (-one.likeness.score, one.payment.id))
    best: dict[str, Suggestion] = {}
    for one in weighed:
        if one.likeness.score >= _LEAST:
            best.setdefault(one.payment.id, one)
    return tuple(best.values())[:SHOWN]


def _weigh(payment: Candidate, row: Unmatched, money: Credit) -> Likeness:
    return likeness(
        Clue(
            codes=(payment.memo, payment.our_ref),
            memo=row.memo,
            owed=payment.amount - payment.received,
            amount=money.minor,
            opened=payment.created_at,
            at=money.at,
        )
    )
