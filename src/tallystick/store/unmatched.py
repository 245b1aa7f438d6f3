"""Money without an owner: notices of transfers that fit no offer, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, exists, insert, or_, select, update

from tallystick.domain.evidence import Credit
from tallystick.domain.ids import new_id
from tallystick.store.columns import AnyRow
from tallystick.store.documents import credit
from tallystick.store.schema.core import attempts, decisions, inbox, payments

CANDIDATES: Final = 200
_COLUMNS = (
    inbox.c.id, inbox.c.gateway, inbox.c.account, inbox.c.credits, inbox.c.memo,
    inbox.c.received_at, inbox.c.handled_at, inbox.c.payment_id,
)  # fmt: skip
_ABOUT_MONEY = (inbox.c.credits != [], inbox.c.tries > 0)
_DECIDED = exists().where(decisions.c.subject == inbox.c.id)
_FIND = select(*_COLUMNS).where(inbox.c.id == bindparam("id"), *_ABOUT_MONEY)
_DECISIONS = (
    select(
        decisions.c.action, decisions.c.reason, decisions.c.actor, decisions.c.payment_id,
        decisions.c.at,
    )
    .where(decisions.c.subject == bindparam("subject"))
    .order_by(decisions.c.at, decisions.c.id)
)  # fmt: skip
_DECIDE = insert(decisions)
_REST = update(inbox).where(inbox.c.id == bindparam("of_id")).values(due_at=None)
_CANDIDATES = (
    select(
        payments.c.id, payments.c.phase, payments.c.amount, payments.c.currency,
        payments.c.received, payments.c.created_at, payments.c.expires_at, attempts.c.memo,
        attempts.c.our_ref,
    )
    .join(attempts, attempts.c.payment_id == payments.c.id)
    .where(
        attempts.c.gateway == bindparam("gateway"),
        payments.c.currency == bindparam("currency"),
        payments.c.phase != "paid",
        payments.c.created_at > bindparam("since"),
        payments.c.created_at <= bindparam("until"),
    )
    .order_by((payments.c.amount == bindparam("amount")).desc(), payments.c.created_at.desc())
    .limit(CANDIDATES)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unmatched:
    """One transfer that nobody owns yet, or that a person has dealt with."""

    id: str
    gateway: str
    account: str
    credits: tuple[Credit, ...]
    memo: str
    received_at: datetime
    handled_at: datetime | None
    payment_id: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person did about it, and why."""

    action: str
    reason: str
    actor: str
    payment_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A payment that the money may be for."""

    id: str
    phase: str
    amount: int
    currency: str
    received: int
    created_at: datetime
    expires_at: datetime
    memo: str
    our_ref: str


def find(tx: Connection, notice_id: str) -> Unmatched | None:
    """One row, or None where there is none with money in it."""
    row = tx.execute(_FIND, {"id": notice_id}).first()
    return None if row is None else _unmatched(row)


def page(
    tx: Connection,
    *,
    state: str,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Unmatched]:
    """Newest first, one more than `limit` where there are more.

    `state` is `waiting`, `decided` or `all`.
    """
    query = select(*_COLUMNS).where(*_ABOUT_MONEY, _in_state(state))
    query = query.order_by(inbox.c.received_at.desc(), inbox.c.id.desc())
    if span[0] is not None:
        query = query.where(inbox.c.received_at > span[0])
    if span[1] is not None:
        query = query.where(inbox.c.received_at < span[1])
    if after is not None:
        same_time = (inbox.c.received_at == after[0]) & (inbox.c.id < after[1])
        query = query.where(or_(inbox.c.received_at < after[0], same_time))
    return [_unmatched(row) for row in tx.execute(query.limit(limit + 1))]


def candidates(
    tx: Connection, gateway: str, money: Credit, since: datetime, until: datetime
) -> list[Candidate]:
    """Payments at this gateway that could be meant, those of the same amount first."""
    values = {"gateway": gateway, "currency": money.currency, "amount": money.minor,
              "since": since, "until": until}  # fmt: skip
    return [Candidate(**row._mapping) for row in tx.execute(_CANDIDATES, values)]


def decide(tx: Connection, notice_id: str, decision: Decision) -> None:
    """Write down what a person did; the row is not taken up by itself any more."""
    tx.execute(
        _DECIDE,
        {
            "id": new_id("dec", decision.at),
            "subject": notice_id,
            "action": decision.action,
            "reason": decision.reason,
            "actor": decision.actor,
            "payment_id": decision.payment_id,
            "at": decision.at,
        },
    )
    tx.execute(_REST, {"of_id": notice_id})


def decided(tx: Connection, notice_id: str) -> Sequence[Decision]:
    """What was done about it, the first thing first."""
    rows = tx.execute(_DECISIONS, {"subject": notice_id})
    return [Decision(**row._mapping) for row in rows]


def _in_state(state: str) -> ColumnElement[bool]:
    waiting = inbox.c.handled_at.is_(None) & ~_DECIDED
    return {"waiting": waiting, "decided": _DECIDED}.get(state, or_(waiting, _DECIDED))


def _unmatched(row: AnyRow) -> Unmatched:
    values = dict(row._mapping)
    values["credits"] = tuple(credit(document) for document in values["credits"])
    return Unmatched(**values)
