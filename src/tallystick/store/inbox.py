"""The inbox: authentic notices, kept as they came before anybody acts on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select, update

from tallystick.domain.credit import Credit
from tallystick.domain.evidence import Claim
from tallystick.domain.raw_bytes import Raw
from tallystick.store.columns import AnyRow, document, microseconds
from tallystick.store.documents import credit, credit_document
from tallystick.store.schema.core import inbox

KEPT_FOR: Final = timedelta(days=30)
ORPHAN: Final = "orphan"
UNREADABLE: Final = "unreadable"
_GIVEN: Final = (
    "id", "gateway", "account", "event_id", "refs", "claim", "credits", "memo", "digest", "trouble",
    "error", "received_at", "due_at", "handled_at",
)  # fmt: skip


def _keep(mark: str) -> str:
    marks = [f"{mark}{place}" for place in range(1, len(_GIVEN) + 1)]
    columns, values = ", ".join((*_GIVEN, "tries")), ", ".join((*marks, "0"))
    return f"INSERT INTO inbox ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608


_CONTENT: Final = f"CAST(${len(_GIVEN) + 1} AS bytea)"
# The hottest statements, as the drivers take them: a compiled insert would spend as much time in
# Python on its parameters as the database spends on the rows. PostgreSQL is told of a notice and
# its bytes in one round trip; SQLite, where a trip is nothing, in two statements.
KEEP_NOTICE: Final = _keep("?")
KEEP_BYTES: Final = (
    "INSERT INTO raw_bytes (subject, digest, content, sealed, at) "
    "SELECT id, digest, ?1, 1, received_at FROM inbox WHERE id = ?2"
)
KEEP: Final = " ".join((
    "WITH kept AS (", _keep("$"), "RETURNING id, digest, received_at)",
    "INSERT INTO raw_bytes (subject, digest, content, sealed, at)",
    "SELECT id, digest,", _CONTENT, ", 1, received_at FROM kept WHERE", _CONTENT, "IS NOT NULL",
))  # fmt: skip


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
    digest: str | None
    trouble: str | None
    received_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Delay:
    """Why a notice is not handled yet; `until` is None where it is left to a person."""

    notice_id: str
    until: datetime | None
    why: str
    orphan: bool = False


def keep_each(tx: Connection, rows: Sequence[tuple[Any, ...]]) -> list[None]:
    """Write a batch of notices; one that is known by (gateway, account, event id) changes nothing.

    Made for `write_each`: once this is committed, saying 200 to the gateways is honest.
    """
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(KEEP, list(rows))
    else:
        tx.exec_driver_sql(KEEP_NOTICE, [for_sqlite(row) for row in rows])
        # One that was known already has no row of this id, and its bytes are kept once.
        contents = [(row[-1], row[0]) for row in rows if row[-1] is not None]
        if contents:
            tx.exec_driver_sql(KEEP_BYTES, contents)
    return [None] * len(rows)


def for_sqlite(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of the notice alone, its times as SQLite has them."""
    *given, received_at, due_at, handled_at, _ = row
    at = microseconds(received_at)
    return (*given, at, None if due_at is None else at, None if handled_at is None else at)


def row(  # noqa: PLR0913 - one for each thing to write
    notice_id: str,
    *,
    gateway: str,
    account: str,
    event_id: str,
    refs: Sequence[str],
    claim: Claim,
    credits_: Sequence[Credit],
    now: datetime,
    raw: Raw | None = None,
    memo: str = "",
    unreadable: str = "",
    over: bool = False,
    rests: bool = False,
) -> tuple[Any, ...]:
    """What `keep_each` writes for a fresh notice and its sealed bytes, if it has any.

    It is due at once, unless there is nothing to do for it (`over`) or only a person can (`rests`).
    """
    return (
        notice_id, gateway, account, event_id, document(refs), claim.value,
        document([credit_document(one) for one in credits_]), memo,
        None if raw is None else raw.digest, UNREADABLE if unreadable else None,
        unreadable or None, now, None if over or rests else now,
        now if over else None, None if raw is None else raw.sealed,
    )  # fmt: skip


_KEPT = (
    inbox.c.id, inbox.c.gateway, inbox.c.account, inbox.c.refs, inbox.c.claim, inbox.c.credits,
    inbox.c.memo, inbox.c.digest, inbox.c.trouble, inbox.c.received_at, inbox.c.tries,
)  # fmt: skip
_DUE = (
    select(*_KEPT)
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
        due_at=None,
        handled_at=bindparam("now"),
        payment_id=bindparam("payment_id"),
        error=None,
        trouble=None,
    )
)
_LATER = (
    update(inbox)
    .where(inbox.c.id == bindparam("of_id"), inbox.c.handled_at.is_(None))
    .values(due_at=bindparam("due_at"), error=bindparam("error"), trouble=bindparam("trouble"))
)
_REST = update(inbox).where(inbox.c.id.in_(bindparam("ids", expanding=True))).values(due_at=None)
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
_WAITING = select(func.count()).where(inbox.c.due_at.is_not(None), inbox.c.trouble.is_(None))
_TROUBLED = (
    select(inbox.c.trouble, func.count().label("many"))
    .where(inbox.c.trouble.is_not(None))
    .group_by(inbox.c.trouble)
)


def take_due(tx: Connection, now: datetime, until: datetime, limit: int) -> list[KeptNotice]:
    """Notices to be handled, held until `until`: a crash gives them back then."""
    rows = list(tx.execute(_DUE, {"now": now, "limit": limit}))
    if rows:
        tx.execute(_TAKE, {"ids": [found.id for found in rows], "until": until})
    return [_notice(found) for found in rows]


_BY_EVENT = select(*_KEPT).where(
    inbox.c.gateway == bindparam("gateway"),
    inbox.c.account == bindparam("account"),
    inbox.c.event_id == bindparam("event_id"),
)


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
            {"of_id": delay.notice_id, "due_at": delay.until, "error": delay.why,
             "trouble": ORPHAN if delay.orphan else None}
            for delay in delays
        ])  # fmt: skip


def rest(tx: Connection, ids: Sequence[str]) -> None:
    """Leave them to a person as they are: what could be asked about them was asked."""
    if ids:
        tx.execute(_REST, {"ids": list(ids)})


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
    """How many notices are kept and not handled yet, without those that nobody can handle."""
    return int(tx.execute(_WAITING).scalar_one())


def troubled(tx: Connection) -> dict[str, int]:
    """How many notices are nobody's, and how many cannot be read."""
    return {row.trouble: row.many for row in tx.execute(_TROUBLED)}


def _notice(found: AnyRow) -> KeptNotice:
    values = dict(found._mapping)
    values["refs"] = tuple(values["refs"])
    values["claim"] = Claim(values["claim"])
    values["credits"] = tuple(credit(document) for document in values["credits"])
    return KeptNotice(**values)
