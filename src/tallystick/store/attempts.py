"""Attempts: one row for each try at a gateway, committed before the gateway is called."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, case, func, insert, select, update

from tallystick.domain.ids import memo_code
from tallystick.domain.payment import Attempt, AttemptState
from tallystick.store.columns import AnyRow
from tallystick.store.schema.core import attempts

_COLUMNS = tuple(attempts.c)
_INSERT = insert(attempts)
_OF_PAYMENT = (
    select(*_COLUMNS)
    .where(attempts.c.payment_id == bindparam("payment_id"))
    .order_by(attempts.c.created_at, attempts.c.id)
)
_AT_GATEWAY = select(*_COLUMNS).where(
    attempts.c.gateway == bindparam("gateway"), attempts.c.account == bindparam("account")
)
_REFS: BindParameter[str] = bindparam("refs", expanding=True)
# Two look-ups, each by its own index: with one OR, a planner reads every attempt of the account.
_BY_REFS = _AT_GATEWAY.where(attempts.c.our_ref.in_(_REFS)).union(
    _AT_GATEWAY.where(attempts.c.provider_id.in_(_REFS))
)


_MEMO = select(attempts.c.id).where(attempts.c.memo == bindparam("memo"))


def free_memo(tx: Connection) -> str:
    """A memo code that no attempt has: they are short, so now and then one is drawn twice."""
    memo = memo_code()
    while tx.execute(_MEMO, {"memo": memo}).first() is not None:
        memo = memo_code()
    return memo


_REF = select(attempts.c.id).where(
    attempts.c.gateway == bindparam("gateway"),
    attempts.c.account == bindparam("account"),
    attempts.c.our_ref == bindparam("our_ref"),
)


def is_taken(tx: Connection, gateway: str, account: str, our_ref: str) -> bool:
    """Whether a reference was given out before: the short ones are now and then drawn twice."""
    values = {"gateway": gateway, "account": account, "our_ref": our_ref}
    return tx.execute(_REF, values).first() is not None


_BY_ID = select(*_COLUMNS).where(attempts.c.id == bindparam("id"))


def find(tx: Connection, attempt_id: str) -> Attempt | None:
    """One attempt, or None."""
    row = tx.execute(_BY_ID, {"id": attempt_id}).first()
    return None if row is None else _attempt(row)


def add(tx: Connection, attempt: Attempt) -> None:
    """Insert a new attempt."""
    tx.execute(_INSERT, asdict(attempt))


def of_payment(tx: Connection, payment_id: str) -> list[Attempt]:
    """All attempts of a payment, the oldest first."""
    return [_attempt(row) for row in tx.execute(_OF_PAYMENT, {"payment_id": payment_id})]


def named(tx: Connection, gateway: str, account: str, refs: Sequence[str]) -> list[Attempt]:
    """The attempts that one of the names in a notice stands for."""
    values = {"gateway": gateway, "account": account, "refs": list(refs)}
    return [_attempt(row) for row in tx.execute(_BY_REFS, values)] if refs else []


_SET_STATE = update(attempts).where(attempts.c.id == bindparam("of_id")).values(
    state=bindparam("state")
)  # fmt: skip
_ASKED = update(attempts).where(attempts.c.id == bindparam("of_id")).values(
    as_of=bindparam("as_of")
)  # fmt: skip
_UNHEARD = (AttemptState.CREATED, AttemptState.SUBMITTING, AttemptState.UNKNOWN)
_UNANSWERED = (
    update(attempts)
    .where(attempts.c.id == bindparam("of_id"), attempts.c.state.in_(_UNHEARD))
    .values(state=AttemptState.UNKNOWN)
)
_OFFERED = (
    update(attempts)
    .where(attempts.c.id == bindparam("of_id"))
    .values(
        provider_id=bindparam("provider_id"),
        checkout=bindparam("checkout"),
        # A notice may have been quicker than the answer to our own call.
        state=case(
            (attempts.c.state.in_(_UNHEARD), AttemptState.AWAITING_PAYER), else_=attempts.c.state
        ),
    )
)


_RECENT = (
    select(attempts.c.as_of)
    .where(attempts.c.gateway == bindparam("gateway"))
    .order_by(attempts.c.created_at.desc(), attempts.c.id.desc())
    .limit(bindparam("limit"))
    .subquery()
)
_LAST_ASKED = select(func.max(_RECENT.c.as_of, type_=attempts.c.as_of.type))


def last_asked(tx: Connection, gateway: str, among: int) -> datetime | None:
    """When the gateway was last asked about one of its `among` newest attempts."""
    return tx.execute(_LAST_ASKED, {"gateway": gateway, "limit": among}).scalar()


def set_state(tx: Connection, attempt_id: str, state: AttemptState) -> None:
    """Note where the attempt stands."""
    tx.execute(_SET_STATE, {"of_id": attempt_id, "state": state})


def unanswered(tx: Connection, attempt_id: str) -> None:
    """Its create got no answer; unless another call of ours has found the offer meanwhile."""
    tx.execute(_UNANSWERED, {"of_id": attempt_id})


def asked(tx: Connection, attempt_id: str, as_of: datetime) -> None:
    """Note when the gateway was asked about it."""
    tx.execute(_ASKED, {"of_id": attempt_id, "as_of": as_of})


def offered(
    tx: Connection, attempt_id: str, provider_id: str | None, checkout: Mapping[str, str]
) -> None:
    """The gateway has made the offer: keep its name and what the payer needs."""
    values = {"of_id": attempt_id, "provider_id": provider_id, "checkout": dict(checkout)}
    tx.execute(_OFFERED, values)


def _attempt(row: AnyRow) -> Attempt:
    values = dict(row._mapping)
    values["state"] = AttemptState(values["state"])
    return Attempt(**values)
