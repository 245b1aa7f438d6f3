"""Payments: found, listed, timed, and moved by compare-and-set in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, exists, func, insert, select, text, update

from tallystick.domain.errors import ReferenceTaken
from tallystick.domain.payment import (
    STILL_AWAITED,
    AmountState,
    LatePolicy,
    Payment,
    Phase,
    Review,
)
from tallystick.domain.schedule import Rank
from tallystick.store.columns import AnyRow
from tallystick.store.places import window
from tallystick.store.schema.core import ODD, OFFERED, UNKNOWN, attempts, payments

_COLUMNS = tuple(payments.c)
_INSERT = insert(payments)
_FIND = select(*_COLUMNS).where(payments.c.id == bindparam("id"))
_LOCK = _FIND.with_for_update()
_FOLLOWING = (
    select(*_COLUMNS)
    .where(payments.c.id > bindparam("last_id"))
    .order_by(payments.c.id)
    .limit(bindparam("limit"))
)
_BY_REFERENCE = select(payments.c.id).where(payments.c.reference == bindparam("ref"))


def add(tx: Connection, payment: Payment) -> None:
    """Insert a new payment. Raises ReferenceTaken where its reference is used already."""
    if payment.reference is not None:
        taken = by_reference(tx, payment.reference)
        if taken is not None:
            raise ReferenceTaken(
                f"The reference {payment.reference!r} belongs to payment {taken}. "
                "Use another one, or read that payment."
            )
    tx.execute(_INSERT, asdict(payment))


def find(tx: Connection, payment_id: str) -> Payment | None:
    """The payment, or None."""
    row = tx.execute(_FIND, {"id": payment_id}).first()
    return None if row is None else _payment(row)


def following(tx: Connection, last_id: str, limit: int) -> list[Payment]:
    """The next payments by id after `last_id`, for a walk through all of them."""
    rows = tx.execute(_FOLLOWING, {"last_id": last_id, "limit": limit})
    return [_payment(row) for row in rows]


def by_reference(tx: Connection, reference: str) -> str | None:
    """The id of the payment with the merchant's own reference, or None."""
    return tx.execute(_BY_REFERENCE, {"ref": reference}).scalar()


def lock(tx: Connection, payment_id: str) -> Payment | None:
    """The payment, held against every other writer until this transaction ends."""
    row = tx.execute(_LOCK, {"id": payment_id}).first()
    return None if row is None else _payment(row)


_MOVE = (
    update(payments)
    .where(payments.c.id == bindparam("of_id"), payments.c.version == bindparam("of_version"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "phase", "amount_state", "late", "review", "received", "gateway", "updated_at",
                "opened_at", "closed_at", "paid_at", "as_of", "source", "next_check_at", "rank",
            )
        }
        | {"version": payments.c.version + 1}
    )
)  # fmt: skip


def move(tx: Connection, before: Payment, after: Payment) -> bool:
    """Write what changed, if nobody changed it since `before` was read; says whether it did.

    The only statement that sets a status. Whoever gets True owns the effects of the change.
    """
    values = {
        "of_id": before.id, "of_version": before.version, "phase": after.phase,
        "amount_state": after.amount_state, "late": after.late, "review": after.review,
        "received": after.received, "gateway": after.gateway, "updated_at": after.updated_at,
        "opened_at": after.opened_at, "closed_at": after.closed_at, "paid_at": after.paid_at,
        "as_of": after.as_of, "source": after.source, "next_check_at": after.next_check_at,
        "rank": after.rank,
    }  # fmt: skip
    return tx.execute(_MOVE, values).rowcount == 1


_TIME = (
    update(payments)
    .where(payments.c.id == bindparam("of_id"))
    .values(
        as_of=bindparam("as_of"), source=bindparam("source"), next_check_at=bindparam("next"),
        rank=bindparam("with_rank"),
    )
)  # fmt: skip
_FREE = update(payments).where(payments.c.id == bindparam("of_id")).values(reference=None)


def set_timer(tx: Connection, payment: Payment) -> None:
    """Note when we last asked and when we ask next; nothing that a payer sees changes."""
    values = {"of_id": payment.id, "as_of": payment.as_of, "source": payment.source,
              "next": payment.next_check_at, "with_rank": payment.rank}  # fmt: skip
    tx.execute(_TIME, values)


def release_reference(tx: Connection, payment_id: str) -> None:
    """Let the merchant use the reference again, after the gateway refused the offer."""
    tx.execute(_FREE, {"of_id": payment_id})


_NEXT_DUE = select(payments.c.next_check_at).where(
    payments.c.next_check_at.is_not(None)
).order_by(payments.c.next_check_at).limit(1)  # fmt: skip
_OVERDUE = (
    select(payments.c.id)
    .where(text(OFFERED), payments.c.expires_at <= bindparam("now"))
    .order_by(payments.c.expires_at)
    .limit(bindparam("limit"))
)


def next_due(tx: Connection) -> datetime | None:
    """When the earliest timer runs out."""
    return tx.execute(_NEXT_DUE).scalar()


def overdue(tx: Connection, now: datetime, limit: int) -> list[str]:
    """Offers whose deadline has passed and that are not closed yet."""
    return list(tx.execute(_OVERDUE, {"now": now, "limit": limit}).scalars())


_GATEWAYS = select(payments.c.id, payments.c.gateway).where(
    payments.c.id.in_(bindparam("ids", expanding=True))
)


def gateways_of(tx: Connection, ids: Sequence[str]) -> dict[str, str | None]:
    """At which gateway each of these payments is, if at one."""
    rows = tx.execute(_GATEWAYS, {"ids": list(ids)}) if ids else ()
    return {row.id: row.gateway for row in rows}


_SILENT = select(payments.c.id, payments.c.updated_at).where(
    payments.c.updated_at < bindparam("before")
)
_UNSURE = select(attempts.c.payment_id).where(text(UNKNOWN))
# Two questions, each of few rows: those in flight, and those with an offer of unknown fate.
_STUCK = (
    _SILENT.where(payments.c.phase == Phase.PROCESSING)
    .union_all(_SILENT.where(payments.c.phase == Phase.OPEN, payments.c.id.in_(_UNSURE)))
    .order_by("updated_at")
    .limit(bindparam("limit"))
)
_ASK_ALL = (
    update(payments)
    .where(
        payments.c.phase.in_((Phase.OPEN, Phase.PROCESSING)),
        payments.c.next_check_at > bindparam("later"),
        # Where nobody is asked before the deadline, the timer is the deadline.
        payments.c.next_check_at != payments.c.expires_at,
    )
    .values(next_check_at=bindparam("now"))
)


def stuck(tx: Connection, before: datetime, limit: int) -> list[str]:
    """Payments in flight, or with an offer of unknown fate, that nothing happened to since."""
    return list(tx.execute(_STUCK, {"before": before, "limit": limit}).scalars())


_OFFERED_LONG_AGO = exists().where(
    attempts.c.payment_id == payments.c.id,
    attempts.c.created_at < bindparam("before"),
    attempts.c.state.in_(STILL_AWAITED),
)
# Whoever was asked about longest ago comes first, so that a long line goes round.
_HANGING = (
    select(payments.c.id)
    .where(
        payments.c.purpose == "payment_link",
        payments.c.phase == Phase.OPEN,
        payments.c.created_at < bindparam("before"),
        _OFFERED_LONG_AGO,
    )
    .order_by(payments.c.as_of.nulls_first(), payments.c.id)
    .limit(bindparam("limit"))
)


def hanging_links(tx: Connection, before: datetime, limit: int) -> list[str]:
    """Links that are open although a payer chose a gateway since long: a notice may be lost."""
    return list(tx.execute(_HANGING, {"before": before, "limit": limit}).scalars())


_NEWEST = select(func.max(payments.c.created_at, type_=payments.c.created_at.type))


def newest(tx: Connection) -> datetime | None:
    """When the newest payment was made, by the clock of its time."""
    return tx.execute(_NEWEST).scalar()


ASKED_WITHIN: Final = timedelta(minutes=2)
"""What is asked about before its deadline is asked more often than that."""


def ask_all_open(tx: Connection, now: datetime) -> None:
    """Let the timer of everything that can still be paid run out now, where it is further off."""
    tx.execute(_ASK_ALL, {"now": now, "later": now + ASKED_WITHIN})


# Nearly all payments have nothing or all of their money; the others have an index of their own.
_ODD = (AmountState.OVER, AmountState.PARTIAL)


def page(
    tx: Connection,
    *,
    filters: Mapping[str, str | None],
    created_after: datetime | None,
    created_before: datetime | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[str]:
    """Ids of payments, newest first, one more than `limit` where there are more.

    A filter of None takes those that have any value there.
    """
    query = select(payments.c.id).order_by(payments.c.created_at.desc(), payments.c.id.desc())
    for name, value in filters.items():
        column = payments.c[name]
        query = query.where(column.is_not(None) if value is None else column == value)
        if name == "amount_state" and value in _ODD:
            query = query.where(text(ODD))
    span = (created_after, created_before)
    query = window(query, payments.c.created_at, payments.c.id, span, after)
    return list(tx.execute(query.limit(limit + 1)).scalars())


def _payment(row: AnyRow) -> Payment:
    values = dict(row._mapping)
    values["phase"] = Phase(values["phase"])
    values["amount_state"] = AmountState(values["amount_state"])
    values["late_policy"] = LatePolicy(values["late_policy"])
    values["rank"] = Rank(values["rank"])
    review = values["review"]
    values["review"] = None if review is None else Review(review)
    return Payment(**values)
