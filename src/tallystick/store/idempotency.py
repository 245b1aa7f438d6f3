"""Idempotency keys: the first answer to a creating request, kept with its effect."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.store.schema.core import idempotency

NEVER_HELD_FOR: Final = timedelta(minutes=2)
_SAME = (idempotency.c.scope == bindparam("of_scope"), idempotency.c.key == bindparam("of_key"))
_CLAIM = {
    "sqlite": sqlite_insert(idempotency).on_conflict_do_nothing(),
    "postgresql": pg_insert(idempotency).on_conflict_do_nothing(),
}
_FIND = select(
    idempotency.c.fingerprint,
    idempotency.c.status,
    idempotency.c.answer,
    idempotency.c.payment_id,
    idempotency.c.held_until,
).where(*_SAME)
_ANSWER = (
    update(idempotency)
    .where(*_SAME)
    .values(status=bindparam("with_status"), answer=bindparam("with_answer"), held_until=None)
)
_HOLD = (
    update(idempotency)
    .where(
        *_SAME,
        or_(
            idempotency.c.held_until <= bindparam("real_now"),
            # Nobody holds for so long: it was written by a clock that was set back.
            idempotency.c.held_until > bindparam("beyond"),
        ),
    )
    .values(held_until=bindparam("until"))
)
_LET_GO = (
    update(idempotency)
    .where(idempotency.c.status.is_(None))
    .values(held_until=bindparam("real_now"))
)
_FREE = delete_from(idempotency).where(*_SAME, idempotency.c.status.is_(None))


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is known of a key: the answer, or who works on it until when."""

    fingerprint: str
    status: int | None
    answer: bytes | None
    payment_id: str | None
    held_until: datetime | None


def find(tx: Connection, scope: str, key: str) -> Claimed | None:
    """What the key stands for already, or None."""
    row = tx.execute(_FIND, {"of_scope": scope, "of_key": key}).first()
    return None if row is None else Claimed(**row._mapping)


def claim(  # noqa: PLR0913 - one for each thing to write
    tx: Connection,
    scope: str,
    key: str,
    *,
    fingerprint: str,
    payment_id: str | None,
    held_until: datetime,
    now: datetime,
) -> bool:
    """Take the key in the transaction of its effect; False where another request has it."""
    values = {
        "scope": scope, "key": key, "fingerprint": fingerprint, "payment_id": payment_id,
        "held_until": held_until, "created_at": now, "status": None, "answer": None,
    }  # fmt: skip
    return tx.execute(_CLAIM[tx.dialect.name], values).rowcount == 1


def take_over(tx: Connection, scope: str, key: str, real_now: datetime, until: datetime) -> bool:
    """Go on with a request whose worker died; False where somebody else does already."""
    values = {"of_scope": scope, "of_key": key, "real_now": real_now, "until": until,
              "beyond": real_now + NEVER_HELD_FOR}  # fmt: skip
    return tx.execute(_HOLD, values).rowcount == 1


def let_go(tx: Connection, real_now: datetime) -> None:
    """End every hold: whoever had one is gone."""
    tx.execute(_LET_GO, {"real_now": real_now})


def answer(tx: Connection, scope: str, key: str, status: int, sealed: bytes) -> None:
    """Keep the answer for the next time the same request comes."""
    tx.execute(
        _ANSWER,
        {"of_scope": scope, "of_key": key, "with_status": status, "with_answer": sealed},
    )


def free(tx: Connection, scope: str, key: str) -> None:
    """Give a key back whose request had no effect, so that it may be made again."""
    tx.execute(_FREE, {"of_scope": scope, "of_key": key})
