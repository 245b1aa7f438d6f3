"""The inbox: authentic notices, kept as they came before anybody acts on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select, update

from tallystick.domain.evidence import Claim, Credit
from tallystick.store.columns import AnyRow, document, microseconds
from tallystick.store.documents import credit, credit_document
from tallystick.store.schema.core import inbox

KEPT_FOR: Final = timedelta(days=30)
_GIVEN: Final = (
    "id", "gateway", "account", "event_id", "refs", "claim", "credits", "memo", "headers", "query",
    "body", "received_at",
)  # fmt: skip


def _keep(mark: str) -> str:
    marks = [f"{mark}{place}" for place in range(1, len(_GIVEN) + 1)]
    columns = ", ".join((*_GIVEN, "due_at", "tries"))
    values = ", ".join((*marks, marks[-1], "0"))
    return f"INSERT INTO inbox ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608


# The hottest statement, as the drivers take it: a compiled insert would spend as much time in
# Python on its parameters as the database spends on the rows.
KEEP: Final = {"sqlite": _keep("?"), "postgresql": _keep("$")}


@dataclass(frozen=True, slots=True)
class KeptNotice:
    """One row of the inbox. `tries` counts the times that it was taken up."""

    id: str
    gateway: str
    account: str
    refs: tuple[str, ...]
    claim: Claim
    credits: tuple[Credit, ...]
    memo: str
    body: bytes
    received_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Delay:
    """Why a notice is not handled yet; `until` is None where it is left to a person."""

    notice_id: str
    until: datetime | None
    why: str


def keep_each(tx: Connection, rows: Sequence[tuple[Any, ...]]) -> list[None]:
    """Write a batch of notices; one that is known by (gateway, account, event id) changes nothing.

    Made for `write_each`: once this is committed, saying 200 to the gateways is honest.
    """
    dialect = tx.dialect.name
    if dialect == "sqlite":
        rows = [(*given, microseconds(at)) for *given, at in rows]
    tx.exec_driver_sql(KEEP[dialect], list(rows))
    return [None] * len(rows)


def row(  # noqa: PLR0913 - one for each thing to write
    notice_id: str,
    *,
    gateway: str,
    account: str,
    event_id: str,
    refs: Sequence[str],
    claim: Claim,
    credits_: Sequence[Credit],
    headers: dict[str, str],
    query: str,
    body: bytes,
    now: datetime,
    memo: str = "",
) -> tuple[Any, ...]:
    """What `keep_each` writes for a fresh notice, which is due at once."""
    return (
        notice_id, gateway, account, event_id, document(refs), claim.value,
        document([credit_document(one) for one in credits_]), memo, document(headers), query, body,
        now,
    )  # fmt: skip


_DUE = (
    select(
        inbox.c.id, inbox.c.gateway, inbox.c.account, inbox.c.refs, inbox.c.claim,
        inbox.c.credits, inbox.c.memo, inbox.c.body, inbox.c.received_at, inbox.c.tries,
    )
    .where(inbox.c.due_at <= bindparam("now"))
    .order_by(inbox.c.due_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)  # fmt: skip
_TAKE = (
    update(inbox)
    .where(inbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(due_at=bindparam("until"), tries=inbox.c.tries + 1)
)
_HANDLED = (
    update(inbox)
    .where(inbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        due_at=None, handled_at=bindparam("now"), payment_id=bindparam("payment_id"), error=None
    )
)
_LATER = (
    update(inbox)
    .where(inbox.c.id == bindparam("of_id"), inbox.c.handled_at.is_(None))
    .values(due_at=bindparam("due_at"), error=bindparam("error"))
)
_LEAVE = update(inbox).where(inbox.c.id == bindparam("of_id")).values(due_at=None)
_LET_GO = update(inbox).where(inbox.c.due_at > bindparam("now")).values(due_at=bindparam("now"))
_NEXT_DUE = (
    select(inbox.c.due_at).where(inbox.c.due_at.is_not(None)).order_by(inbox.c.due_at).limit(1)
)
_NEWEST = (
    select(inbox.c.received_at)
    .where(inbox.c.gateway == bindparam("gateway"))
    .order_by(inbox.c.received_at.desc())
    .limit(1)
)
_WAITING = select(func.count()).where(inbox.c.due_at.is_not(None))


def take_due(tx: Connection, now: datetime, until: datetime, limit: int) -> list[KeptNotice]:
    """Notices to be handled, held until `until`: a crash gives them back then."""
    rows = list(tx.execute(_DUE, {"now": now, "limit": limit}))
    if rows:
        tx.execute(_TAKE, {"ids": [found.id for found in rows], "until": until})
    return [_notice(found) for found in rows]


_BY_EVENT = select(
    inbox.c.id, inbox.c.gateway, inbox.c.account, inbox.c.refs, inbox.c.claim, inbox.c.credits,
    inbox.c.memo, inbox.c.body, inbox.c.received_at, inbox.c.tries,
).where(
    inbox.c.gateway == bindparam("gateway"),
    inbox.c.account == bindparam("account"),
    inbox.c.event_id == bindparam("event_id"),
)  # fmt: skip


def by_event(tx: Connection, gateway: str, account: str, event_id: str) -> KeptNotice | None:
    """The notice that was kept for this event of a gateway, or None."""
    values = {"gateway": gateway, "account": account, "event_id": event_id}
    row_ = tx.execute(_BY_EVENT, values).first()
    return None if row_ is None else _notice(row_)


def handled(tx: Connection, ids: Sequence[str], payment_id: str | None, now: datetime) -> None:
    """Close notices, in the transaction that applied them and never before.

    Without a payment where what they told of is no payment's: it is kept, and has no owner yet.
    """
    if ids:
        tx.execute(_HANDLED, {"ids": list(ids), "payment_id": payment_id, "now": now})


def later(tx: Connection, delays: Sequence[Delay]) -> None:
    """Take them up again, each at its time, but for those that were handled meanwhile."""
    if delays:
        tx.execute(_LATER, [
            {"of_id": delay.notice_id, "due_at": delay.until, "error": delay.why}
            for delay in delays
        ])  # fmt: skip


def leave(tx: Connection, notice_id: str) -> None:
    """Take it up no more by itself: a person has decided about its money."""
    tx.execute(_LEAVE, {"of_id": notice_id})


def let_go(tx: Connection, now: datetime) -> None:
    """Make everything due that a dead process may have held. Only where nobody else works."""
    tx.execute(_LET_GO, {"now": now})


def next_due(tx: Connection) -> datetime | None:
    """When the earliest unhandled notice is due."""
    return tx.execute(_NEXT_DUE).scalar()


def newest(tx: Connection, gateway: str) -> datetime | None:
    """When the latest notice of a gateway came."""
    return tx.execute(_NEWEST, {"gateway": gateway}).scalar()


def waiting(tx: Connection) -> int:
    """How many notices are kept and not handled yet."""
    return int(tx.execute(_WAITING).scalar_one())


def _notice(found: AnyRow) -> KeptNotice:
    values = dict(found._mapping)
    values["refs"] = tuple(values["refs"])
    values["claim"] = Claim(values["claim"])
    values["credits"] = tuple(credit(document) for document in values["credits"])
    return KeptNotice(**values)
