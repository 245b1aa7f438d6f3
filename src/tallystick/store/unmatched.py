"""Money without an owner: which payments it may be for, and what a person decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from tallystick.domain.credit import Credit
from tallystick.domain.ids import new_id
from tallystick.store.schema.core import attempts, decisions, payments

CANDIDATES: Final = 40
_DECISIONS = (
    select(
        decisions.c.action, decisions.c.reason, decisions.c.actor, decisions.c.payment_id,
        decisions.c.at,
    )
    .where(decisions.c.subject == bindparam("subject"))
    .order_by(decisions.c.at, decisions.c.id)
)  # fmt: skip
_DECIDE = insert(decisions)
_COULD_BE = select(
    payments.c.id, payments.c.phase, payments.c.amount, payments.c.currency, payments.c.received,
    payments.c.created_at, payments.c.expires_at, attempts.c.memo, attempts.c.our_ref,
).join(attempts, attempts.c.payment_id == payments.c.id)  # fmt: skip
_NAMED = _COULD_BE.where(attempts.c.id.in_(bindparam("attempt_ids", expanding=True)))
_OWNERS = _COULD_BE.where(payments.c.id.in_(bindparam("payment_ids", expanding=True)))
_SAME_AMOUNT = (
    _COULD_BE.where(
        attempts.c.gateway == bindparam("gateway"),
        payments.c.amount == bindparam("amount"),
        payments.c.currency == bindparam("currency"),
        payments.c.phase != "paid",
        payments.c.created_at > bindparam("since"),
        payments.c.created_at <= bindparam("until"),
    )
    .order_by(payments.c.created_at.desc())
    .limit(CANDIDATES)
)
_NEWEST = (
    _COULD_BE.where(
        attempts.c.gateway == bindparam("gateway"),
        attempts.c.account == bindparam("account"),
        attempts.c.listen_until > bindparam("since"),
        payments.c.currency == bindparam("currency"),
        payments.c.phase != "paid",
        payments.c.created_at <= bindparam("until"),
    )
    .order_by(attempts.c.listen_until.desc())
    .limit(CANDIDATES)
)


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


def candidates(tx: Connection, money: Credit, since: datetime, until: datetime) -> list[Candidate]:
    """Payments at this gateway that could be meant: of the same amount, and the newest."""
    values = {"gateway": money.gateway, "currency": money.currency, "since": since, "until": until}
    rows = [
        *tx.execute(_SAME_AMOUNT, {**values, "amount": money.minor}),
        *tx.execute(_NEWEST, {**values, "account": money.account}),
    ]
    return [Candidate(**row._mapping) for row in rows]


def named(
    tx: Connection, attempt_ids: Sequence[str], payment_ids: Sequence[str] = ()
) -> list[Candidate]:
    """The payments of these attempts, and these payments: those that a credit itself points to."""
    rows = [
        *tx.execute(_NAMED, {"attempt_ids": list(attempt_ids)}),
        *tx.execute(_OWNERS, {"payment_ids": list(payment_ids)}),
    ]
    return [Candidate(**row._mapping) for row in rows]


def decide(tx: Connection, subject: str, decision: Decision) -> None:
    """Write down what a person did."""
    tx.execute(
        _DECIDE,
        {
            "id": new_id("dec", decision.at),
            "subject": subject,
            "action": decision.action,
            "reason": decision.reason,
            "actor": decision.actor,
            "payment_id": decision.payment_id,
            "at": decision.at,
        },
    )


def decided(tx: Connection, subject: str) -> Sequence[Decision]:
    """What was done about it, the first thing first."""
    rows = tx.execute(_DECISIONS, {"subject": subject})
    return [Decision(**row._mapping) for row in rows]
