"""Refunds: reserved in one conditional statement, moved by compare-and-set, timed and listed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.domain.raw_bytes import Raw
from tallystick.domain.refund import (
    ASKED,
    GONE,
    HOLDING,
    LATE_POLICY,
    Refund,
    RefundSignal,
    RefundSource,
    RefundState,
)
from tallystick.store import raw_bytes
from tallystick.store.columns import AnyRow
from tallystick.store.places import window
from tallystick.store.schema.core import payments, receipts
from tallystick.store.schema.refunds import refund_moves, refunds

_COLUMNS = tuple(refunds.c)
_INSERT = insert(refunds)
_FIND = select(*_COLUMNS).where(refunds.c.id == bindparam("id"))
_LOCK = _FIND.with_for_update()
_BY_PROVIDER = select(*_COLUMNS).where(
    refunds.c.gateway == bindparam("gateway"),
    refunds.c.account == bindparam("account"),
    refunds.c.provider_id == bindparam("provider_id"),
)
_BY_REFERENCE = select(refunds.c.id).where(
    refunds.c.gateway == bindparam("gateway"),
    refunds.c.account == bindparam("account"),
    refunds.c.bank_reference == bindparam("reference"),
)
_OF_PAYMENT = (
    select(*_COLUMNS)
    .where(refunds.c.payment_id == bindparam("payment_id"))
    .order_by(refunds.c.created_at, refunds.c.id)
)


@dataclass(frozen=True, slots=True)
class Moved:
    """One line of a refund's history."""

    before: RefundState
    signal: RefundSignal
    after: RefundState
    why: str
    at: datetime


def add(tx: Connection, refund: Refund) -> None:
    """Insert a new refund."""
    tx.execute(_INSERT, asdict(refund))


def find(tx: Connection, refund_id: str) -> Refund | None:
    """The refund, or None."""
    return _one(tx.execute(_FIND, {"id": refund_id}).first())


def lock(tx: Connection, refund_id: str) -> Refund | None:
    """The refund, held against every other writer until this transaction ends."""
    return _one(tx.execute(_LOCK, {"id": refund_id}).first())


def by_provider(tx: Connection, gateway: str, account: str, provider_id: str) -> Refund | None:
    """The refund that the gateway calls so, or None."""
    values = {"gateway": gateway, "account": account, "provider_id": provider_id}
    return _one(tx.execute(_BY_PROVIDER, values).first())


def with_reference(tx: Connection, gateway: str, account: str, reference: str) -> str | None:
    """The refund that this transfer of the bank closed, or None."""
    values = {"gateway": gateway, "account": account, "reference": reference}
    return tx.execute(_BY_REFERENCE, values).scalar()


def of_payment(tx: Connection, payment_id: str) -> list[Refund]:
    """All refunds of a payment, the oldest first."""
    return [_refund(row) for row in tx.execute(_OF_PAYMENT, {"payment_id": payment_id})]


_taken = bindparam("taken", type_=payments.c.refunded.type)
_RESERVE = (
    update(payments)
    .where(
        payments.c.id == bindparam("of_id"),
        payments.c.received - payments.c.refunded - payments.c.refund_reserved >= _taken,
    )
    .values(refund_reserved=payments.c.refund_reserved + _taken)
)
_RELEASE = (
    update(payments)
    .where(payments.c.id == bindparam("of_id"), payments.c.refund_reserved >= _taken)
    .values(refund_reserved=payments.c.refund_reserved - _taken)
)
_SPEND = (
    update(payments)
    .where(payments.c.id == bindparam("of_id"), payments.c.refund_reserved >= _taken)
    .values(
        refund_reserved=payments.c.refund_reserved - _taken,
        refunded=payments.c.refunded + _taken,
        version=payments.c.version + 1,
        updated_at=bindparam("now", type_=payments.c.updated_at.type),
    )
)


_UNSPEND = (
    update(payments)
    .where(payments.c.id == bindparam("of_id"), payments.c.refunded >= _taken)
    .values(
        refunded=payments.c.refunded - _taken,
        version=payments.c.version + 1,
        updated_at=bindparam("now", type_=payments.c.updated_at.type),
    )
)
_IN_CURRENCY = (
    receipts.c.payment_id == bindparam("payment_id"), receipts.c.currency == bindparam("currency")
)  # fmt: skip
_CAME = select(func.coalesce(func.sum(receipts.c.amount), 0)).where(*_IN_CURRENCY)
_BACK = select(func.coalesce(func.sum(refunds.c.amount), 0)).where(
    refunds.c.payment_id == bindparam("payment_id"),
    refunds.c.currency == bindparam("currency"),
    refunds.c.state.in_(HOLDING | GONE),
)
_OTHERS = (
    select(receipts.c.currency)
    .where(
        receipts.c.payment_id == bindparam("payment_id"),
        receipts.c.currency != bindparam("currency"),
    )
    .distinct()
)


def reserve(tx: Connection, payment: Payment, money: Money) -> bool:
    """Promise so much of what was received; False where there is not so much left.

    The one statement that lets money go: however many ask at once, no more is promised than came.
    Money in another currency than is due has no column of its own: its sum is taken while the
    payment is held, which the caller sees to.
    """
    if money.currency != payment.currency:
        return left_of(tx, payment.id, money.currency) >= money.minor
    return tx.execute(_RESERVE, {"of_id": payment.id, "taken": money.minor}).rowcount == 1


def left_of(tx: Connection, payment_id: str, currency: str) -> int:
    """What came in this currency and neither has gone back nor is promised back."""
    values = {"payment_id": payment_id, "currency": currency}
    came, promised = tx.execute(_CAME, values).scalar_one(), tx.execute(_BACK, values).scalar_one()
    return int(came) - int(promised)


def others(tx: Connection, payment: Payment) -> dict[str, int]:
    """What is left of money in other currencies than is due, by currency."""
    values = {"payment_id": payment.id, "currency": payment.currency}
    found = {one: left_of(tx, payment.id, one) for one in tx.execute(_OTHERS, values).scalars()}
    return {currency: minor for currency, minor in found.items() if minor > 0}


def release(tx: Connection, payment: Payment, money: Money) -> None:
    """Take a promise back: the refund came to nothing."""
    payment_id, minor = payment.id, money.minor
    if money.currency != payment.currency:
        return
    if tx.execute(_RELEASE, {"of_id": payment_id, "taken": minor}).rowcount != 1:
        raise AssertionError(f"{payment_id} has no promise of {minor} to take back")


def spend(tx: Connection, payment: Payment, money: Money, now: datetime) -> None:
    """Keep a promise: the money has gone back. Payers see it, so the payment's version grows."""
    minor = money.minor
    values = {"of_id": payment.id, "taken": minor, "now": now}
    if money.currency != payment.currency:
        return
    if tx.execute(_SPEND, values).rowcount != 1:
        raise AssertionError(f"{payment.id} has no promise of {minor} to keep")


def unspend(tx: Connection, payment: Payment, money: Money, now: datetime) -> None:
    """What had gone back is here again. Payers see it, so the payment's version grows."""
    values = {"of_id": payment.id, "taken": money.minor, "now": now}
    if money.currency != payment.currency:
        return
    if tx.execute(_UNSPEND, values).rowcount != 1:
        raise AssertionError(f"{payment.id} has given back less than {money}, which came again")


_MOVED = (
    "state", "provider_id", "bank_reference", "failure", "tries", "sent_at", "next_check_at",
    "updated_at", "closed_at", "undelivered",
)  # fmt: skip
_MOVE = (
    update(refunds)
    .where(refunds.c.id == bindparam("of_id"), refunds.c.state == bindparam("of_state"))
    .values({name: bindparam(name) for name in _MOVED})
)
_LINE = insert(refund_moves)
_LINES = select(func.count()).where(refund_moves.c.refund_id == bindparam("refund_id"))
_HISTORY = (
    select(
        refund_moves.c.state_before, refund_moves.c.signal, refund_moves.c.state_after,
        refund_moves.c.why, refund_moves.c.at,
    )
    .where(refund_moves.c.refund_id == bindparam("refund_id"))
    .order_by(refund_moves.c.line)
)  # fmt: skip


def move(
    tx: Connection, before: Refund, after: Refund, signal: RefundSignal, why: str, raw: Raw | None
) -> int | None:
    """Write a new state and its line of history; the line's number, or None if another was first.

    The only statement that sets a state. Whoever gets a number owns the effects of the move.
    """
    values = {name: getattr(after, name) for name in _MOVED}
    values |= {"of_id": before.id, "of_state": before.state}
    if tx.execute(_MOVE, values).rowcount != 1:
        return None
    line = int(tx.execute(_LINES, {"refund_id": before.id}).scalar_one())
    tx.execute(
        _LINE,
        {
            "refund_id": before.id, "line": line, "state_before": before.state, "signal": signal,
            "state_after": after.state, "why": why, "at": after.updated_at,
            "digest": None if raw is None else raw.digest,
        },
    )  # fmt: skip
    if raw is not None:
        raw_bytes.keep(tx, f"{before.id}/{line}", raw, after.updated_at)
    return line


_STILL_OWED = (
    select(*_COLUMNS)
    .where(
        refunds.c.payment_id == bindparam("payment_id"),
        or_(
            refunds.c.id.in_(
                select(refund_moves.c.refund_id).where(
                    refund_moves.c.refund_id == refunds.c.id,
                    refund_moves.c.state_before == RefundState.SUCCEEDED,
                )
            ),
            and_(refunds.c.requested_by == LATE_POLICY, refunds.c.state == RefundState.FAILED),
        ),
    )
    .order_by(refunds.c.created_at, refunds.c.id)
)


def still_owed(tx: Connection, payment_id: str) -> list[Refund]:
    """Refunds that came back after they had succeeded, or failed where nobody had asked for them.

    The first time or again: whoever looks at them knows which were told.
    """
    return [_refund(row) for row in tx.execute(_STILL_OWED, {"payment_id": payment_id})]


def history(tx: Connection, refund_id: str) -> list[Moved]:
    """What happened to it, the first thing first."""
    return [
        Moved(
            RefundState(row.state_before), RefundSignal(row.signal), RefundState(row.state_after),
            row.why, row.at,
        )
        for row in tx.execute(_HISTORY, {"refund_id": refund_id})
    ]  # fmt: skip


_DUE = (
    select(refunds.c.id)
    .where(refunds.c.next_check_at <= bindparam("now"), refunds.c.gateway == bindparam("line"))
    .order_by(refunds.c.next_check_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(refunds)
    .where(refunds.c.id.in_(bindparam("ids", expanding=True)))
    .values(next_check_at=bindparam("until"))
)
_LATER = (
    update(refunds)
    .where(refunds.c.id == bindparam("of_id"), refunds.c.state.in_(ASKED))
    .values(tries=refunds.c.tries + 1, next_check_at=bindparam("at"), failure=bindparam("why"))
)
_LET_GO = (
    update(refunds)
    .where(refunds.c.next_check_at > bindparam("now"))
    .values(next_check_at=bindparam("now"))
)
_NEXT_DUE = (
    select(refunds.c.next_check_at)
    .where(refunds.c.next_check_at.is_not(None))
    .order_by(refunds.c.next_check_at)
    .limit(1)
)
_LINES_DUE = (
    select(
        refunds.c.gateway,
        func.min(refunds.c.next_check_at, type_=refunds.c.next_check_at.type).label("at"),
    )
    .where(refunds.c.next_check_at.is_not(None))
    .group_by(refunds.c.gateway)
)
_GONE = select(func.coalesce(func.sum(refunds.c.amount), 0)).where(
    refunds.c.attempt_id == bindparam("attempt_id"), refunds.c.state == RefundState.SUCCEEDED
)


def lines(tx: Connection) -> dict[str, datetime]:
    """When the earliest timer runs out at each gateway."""
    return {row.gateway: row.at for row in tx.execute(_LINES_DUE)}


def take_due(tx: Connection, line: str, now: datetime, until: datetime, limit: int) -> list[str]:
    """A gateway's refunds whose timer has run out, held until `until`: a crash gives them back."""
    ids = list(tx.execute(_DUE, {"line": line, "now": now, "limit": limit}).scalars())
    if ids:
        tx.execute(_TAKE, {"ids": ids, "until": until})
    return ids


def later(tx: Connection, refund_id: str, at: datetime, why: str | None) -> None:
    """Nothing is known yet: ask again at `at`."""
    tx.execute(_LATER, {"of_id": refund_id, "at": at, "why": why})


def let_go(tx: Connection, now: datetime) -> None:
    """Make due what a dead process may have held. Only where nobody else works."""
    tx.execute(_LET_GO, {"now": now})


def next_due(tx: Connection) -> datetime | None:
    """When the earliest timer runs out."""
    return tx.execute(_NEXT_DUE).scalar()


def gone(tx: Connection, attempt_id: str) -> int:
    """What has gone back of one offer's money, as far as we know, in minor units."""
    return int(tx.execute(_GONE, {"attempt_id": attempt_id}).scalar_one())


_SENT_OF = select(*_COLUMNS).where(
    refunds.c.attempt_id == bindparam("attempt_id"),
    refunds.c.state == RefundState.SUCCEEDED,
    refunds.c.source == RefundSource.MERCHANT,
    refunds.c.method == "api",
)


def sent_of(tx: Connection, attempt_id: str) -> list[Refund]:
    """The refunds of one offer's money that a gateway made for us."""
    return [_refund(row) for row in tx.execute(_SENT_OF, {"attempt_id": attempt_id})]


def page(
    tx: Connection,
    *,
    filters: Mapping[str, str],
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Refund]:
    """Newest first, one more than `limit` where there are more."""
    query = select(*_COLUMNS).order_by(refunds.c.created_at.desc(), refunds.c.id.desc())
    for name, value in filters.items():
        query = query.where(refunds.c[name] == value)
    query = window(query, refunds.c.created_at, refunds.c.id, span, after)
    return [_refund(row) for row in tx.execute(query.limit(limit + 1))]


def _one(row: AnyRow | None) -> Refund | None:
    return None if row is None else _refund(row)


def _refund(row: AnyRow) -> Refund:
    values = dict(row._mapping)
    values["state"] = RefundState(values["state"])
    values["source"] = RefundSource(values["source"])
    return Refund(**values)
