"""Erases what ties rows to a person: bytes, memos and addresses; the books stay as they are."""

import re
from typing import Any, Final

from sqlalchemy import Connection, Text, bindparam, delete, func, select, type_coerce, update

from tallystick.store.schema.core import evidence, idempotency, inbox, jobs
from tallystick.store.schema.credits import credits
from tallystick.store.schema.refunds import refund_moves, refunds

GONE: Final = "forgotten@invalid"
"""Stands where an address was; the domain can never exist (RFC 2606)."""

_EVIDENCE = select(evidence.c.id).where(evidence.c.payment_id == bindparam("payment_id"))
_NOTICES = select(inbox.c.id).where(inbox.c.payment_id == bindparam("payment_id"))
_MOVES = (
    select(refund_moves.c.refund_id, refund_moves.c.line)
    .join(refunds, refunds.c.id == refund_moves.c.refund_id)
    .where(refunds.c.payment_id == bindparam("payment_id"))
)
_MEMOS = (
    update(inbox)
    .where(inbox.c.payment_id == bindparam("of_payment"), inbox.c.memo != "")
    .values(memo="")
)
_CREDITS = (
    update(credits)
    .where(credits.c.payment_id == bindparam("of_payment"), credits.c.memo != "")
    .values(memo="", refs=[])
)
_ANSWERS = delete(idempotency).where(idempotency.c.payment_id == bindparam("payment_id"))
_EFFECTS = select(jobs.c.id, jobs.c.payload).where(
    jobs.c.state != "ready",
    func.lower(type_coerce(jobs.c.payload, Text)).like(bindparam("like"), escape="\\"),
)
_REWRITE = update(jobs).where(jobs.c.id == bindparam("of_id")).values(payload=bindparam("payload"))


def subjects(tx: Connection, payment_id: str) -> list[str]:
    """What bytes may be kept of a payment: its evidence, notices, and what refunds were told by."""
    values = {"payment_id": payment_id}
    moves = [f"{row.refund_id}/{row.line}" for row in tx.execute(_MOVES, values)]
    return [
        *tx.execute(_EVIDENCE, values).scalars(), *tx.execute(_NOTICES, values).scalars(), *moves,
    ]  # fmt: skip


def memos(tx: Connection, payment_id: str) -> int:
    """Empty what payers wrote with their transfers."""
    mine = {"of_payment": payment_id}
    return int(tx.execute(_MEMOS, mine).rowcount) + int(tx.execute(_CREDITS, mine).rowcount)


def answers(tx: Connection, payment_id: str) -> int:
    """Drop the answers that were kept for repeated requests."""
    return int(tx.execute(_ANSWERS, {"payment_id": payment_id}).rowcount)


def effects(tx: Connection, email: str) -> int:
    """Take an address out of what outside effects were done with."""
    plain = re.sub(r"([\\%_])", r"\\\1", email.lower())
    found = tx.execute(_EFFECTS, {"like": f"%{plain}%"}).all()
    for row in found:
        tx.execute(_REWRITE, {"of_id": row.id, "payload": _without(row.payload, email.lower())})
    return len(found)


def _without(value: Any, email: str) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, email) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, email) for one in value]
    return GONE if isinstance(value, str) and value.lower() == email else value
