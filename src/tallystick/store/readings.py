"""Readings: how far the list of each gateway account was read, and who reads on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from tallystick.domain.payment import Phase
from tallystick.store.columns import AnyRow
from tallystick.store.schema.core import attempts, payments
from tallystick.store.schema.credits import readings

_MINE = (
    readings.c.gateway == bindparam("of_gateway"),
    readings.c.account == bindparam("of_account"),
)
_FIND = select(*readings.c).where(*_MINE)
_BEGIN = insert(readings)
_HOLD = (
    update(readings)
    .where(
        *_MINE,
        or_(
            readings.c.held_until.is_(None),
            readings.c.held_until <= bindparam("real_now"),
            readings.c.holder == bindparam("by"),
        ),
    )
    .values(holder=bindparam("by"), held_until=bindparam("until"))
)
_MOVE = (
    update(readings)
    .where(*_MINE, readings.c.holder == bindparam("by"))
    .values(mark=bindparam("to_mark"), silent=0)
)
_END = (
    update(readings)
    .where(*_MINE, readings.c.holder == bindparam("by"))
    .values(
        read_until=bindparam("until"), due_at=bindparam("due"), silent=bindparam("times"),
        holder=None, held_until=None,
    )
)  # fmt: skip
_ALL = select(*readings.c)
_PUT_OFF = update(readings).where(*_MINE).values(due_at=bindparam("due"))
_LET_GO = update(readings).values(holder=None, held_until=None, due_at=bindparam("now"))
_OPEN = (
    select(attempts.c.id)
    .join(payments, payments.c.id == attempts.c.payment_id)
    .where(
        attempts.c.gateway == bindparam("of_gateway"),
        attempts.c.account == bindparam("of_account"),
        attempts.c.listen_until > bindparam("ends"),
        payments.c.phase.in_((Phase.OPEN, Phase.PROCESSING)),
    )
    .order_by(attempts.c.listen_until.desc())
    .limit(1)
)
_LISTENED_TO = (
    select(attempts.c.id)
    .where(
        attempts.c.gateway == bindparam("of_gateway"),
        attempts.c.account == bindparam("of_account"),
        attempts.c.listen_until > bindparam("ends"),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How far one account was read. `mark` is the gateway's own; `silent` counts lost questions."""

    gateway: str
    account: str
    since: datetime
    mark: str
    read_until: datetime
    due_at: datetime
    silent: int


def find(tx: Connection, gateway: str, account: str) -> Reading | None:
    """How far it was read, or None where nobody ever did."""
    row = tx.execute(_FIND, {"of_gateway": gateway, "of_account": account}).first()
    return None if row is None else _reading(row)


def begin(tx: Connection, gateway: str, account: str, since: datetime, now: datetime) -> None:
    """Read from `since` on: what came before is not ours to look for. Safe to repeat."""
    if find(tx, gateway, account) is None:
        tx.execute(
            _BEGIN,
            {"gateway": gateway, "account": account, "since": since, "mark": "",
             "read_until": since, "due_at": now, "silent": 0},
        )  # fmt: skip


def hold(
    tx: Connection, gateway: str, account: str, holder: str, real_now: datetime, until: datetime
) -> bool:
    """Take the account for oneself; False where another process reads it."""
    values = {"of_gateway": gateway, "of_account": account, "by": holder, "real_now": real_now,
              "until": until}  # fmt: skip
    return tx.execute(_HOLD, values).rowcount == 1


def move(tx: Connection, gateway: str, account: str, holder: str, mark: str) -> bool:
    """Everything before the mark was kept; False where another process has taken over."""
    values = {"of_gateway": gateway, "of_account": account, "by": holder, "to_mark": mark}
    return tx.execute(_MOVE, values).rowcount == 1


def end(
    tx: Connection, before: Reading, holder: str, *, until: datetime, due_at: datetime, silent: int
) -> None:
    """Let go of the account, and say until when it was read."""
    values = {"of_gateway": before.gateway, "of_account": before.account, "by": holder,
              "until": max(until, before.read_until), "due": due_at, "times": silent}  # fmt: skip
    tx.execute(_END, values)


def every(tx: Connection) -> list[Reading]:
    """All accounts that are read."""
    return [_reading(row) for row in tx.execute(_ALL)]


def put_off(tx: Connection, gateway: str, account: str, due_at: datetime) -> None:
    """Read it at another time."""
    tx.execute(_PUT_OFF, {"of_gateway": gateway, "of_account": account, "due": due_at})


def let_go(tx: Connection, now: datetime) -> None:
    """Free what a dead process held. Only where nobody else works."""
    tx.execute(_LET_GO, {"now": now})


def has_open(tx: Connection, gateway: str, account: str, ends: datetime) -> bool:
    """Whether an offer at the account is open that is listened to beyond `ends`."""
    values = {"of_gateway": gateway, "of_account": account, "ends": ends}
    return tx.execute(_OPEN, values).first() is not None


def is_listened_to(tx: Connection, gateway: str, account: str, now: datetime) -> bool:
    """Whether money for any offer at the account may still come."""
    values = {"of_gateway": gateway, "of_account": account, "ends": now}
    return tx.execute(_LISTENED_TO, values).first() is not None


def _reading(row: AnyRow) -> Reading:
    return Reading(
        row.gateway, row.account, row.since, row.mark, row.read_until, row.due_at, row.silent
    )
