"""What we have of a gateway's transactions, and the differences that were found and resolved."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, insert, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.reconciliation import Difference, Match, Own
from tallystick.store.columns import AnyRow, Instant
from tallystick.store.places import window
from tallystick.store.schema.core import attempts, decisions, receipts
from tallystick.store.schema.reconciliation import differences, reconciliations

_OWN = """
SELECT c.transaction_id, c.payment_id, c.amount, c.currency,
  COALESCE((
    SELECT SUM(p.amount) FROM transfers t JOIN postings p ON p.transfer_id = t.id
    WHERE t.kind = 'credit' AND t.subject = c.id AND p.currency = c.currency
      AND p.account || '' = 'clearing:' || c.gateway), 0) + COALESCE((
    SELECT SUM(p.amount) FROM transfers t JOIN postings p ON p.transfer_id = t.id
    WHERE t.kind = 'receipt' AND t.subject = (
        SELECT r.id FROM receipts r WHERE r.gateway = c.gateway AND r.account = c.account
        AND r.transaction_id = c.transaction_id)
      AND p.currency = c.currency AND p.account || '' = 'clearing:' || c.gateway), 0) AS booked,
  COALESCE((
    SELECT SUM(f.amount) FROM refunds f
    WHERE f.payment_id = c.payment_id AND f.state = 'succeeded' AND f.method = 'api'
      AND f.gateway || '' = c.gateway AND f.transaction_id = c.transaction_id), 0) AS refunded
FROM credits c WHERE c.counted = 1 AND c.gateway = :gateway AND c.account = :account
"""
_IN_SPAN = text(_OWN + " AND c.at >= :since AND c.at < :until").bindparams(
    bindparam("since", type_=Instant()), bindparam("until", type_=Instant())
)
_NAMED = text(_OWN + " AND c.transaction_id IN :names").bindparams(
    bindparam("names", expanding=True)
)
_TRIED = (
    select(attempts.c.payment_id)
    .where(
        attempts.c.gateway == bindparam("gateway"),
        attempts.c.account == bindparam("account"),
        attempts.c.created_at >= bindparam("since"),
        attempts.c.created_at < bindparam("until"),
    )
    .union(
        select(receipts.c.payment_id).where(
            receipts.c.gateway == bindparam("gateway"),
            receipts.c.account == bindparam("account"),
            receipts.c.at >= bindparam("since"),
            receipts.c.at < bindparam("until"),
        )
    )
)
_RUN = insert(reconciliations)
_FOUND = {
    "sqlite": sqlite_insert(differences).on_conflict_do_nothing(),
    "postgresql": pg_insert(differences).on_conflict_do_nothing(),
}
_BY_KEY = select(differences.c.id).where(differences.c.key == bindparam("key"))
_DECIDE = insert(decisions)
_COLUMNS = tuple(differences.c)
_RESOLVED = exists().where(decisions.c.subject == differences.c.id)
_FIND = select(*_COLUMNS).where(differences.c.id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class Run:
    """One comparison of a gateway's list with ours, and what it came to."""

    id: str
    gateway: str
    account: str
    since: datetime
    until: datetime
    matched: int
    healed: int
    differing: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A difference as it was written down."""

    id: str
    reconciliation_id: str
    gateway: str
    account: str
    difference: Difference
    created_at: datetime


def in_span(
    tx: Connection, gateway: str, account: str, since: datetime, until: datetime
) -> list[Own]:
    """What we received at this gateway from `since` on and before `until`."""
    values = {"gateway": gateway, "account": account, "since": since, "until": until}
    return [_own(row) for row in tx.execute(_IN_SPAN, values)]


def named(tx: Connection, gateway: str, account: str, names: Sequence[str]) -> list[Own]:
    """What we received under these names, whenever it was."""
    if not names:
        return []
    values = {"gateway": gateway, "account": account, "names": list(names)}
    return [_own(row) for row in tx.execute(_NAMED, values)]


def tried(
    tx: Connection, gateway: str, account: str, since: datetime, until: datetime
) -> list[str]:
    """The payments with an offer or a receipt of this gateway in the span."""
    values = {"gateway": gateway, "account": account, "since": since, "until": until}
    return sorted(tx.execute(_TRIED, values).scalars())


def keep(tx: Connection, run: Run, found: Sequence[Difference]) -> list[str]:
    """Write a run and what is new of its differences; the ids of all of them."""
    tx.execute(_RUN, asdict(run))
    ids = []
    for one in found:
        key = one.key(run.gateway, run.account)
        row = {
            "id": new_id("diff", run.at), "reconciliation_id": run.id, "key": key,
            "gateway": run.gateway, "account": run.account, "created_at": run.at, **asdict(one),
        }  # fmt: skip
        tx.execute(_FOUND[tx.dialect.name], row)
        ids.append(str(tx.execute(_BY_KEY, {"key": key}).scalar_one()))
    return ids


def find(tx: Connection, difference_id: str) -> Found | None:
    """One difference, or None."""
    row = tx.execute(_FIND, {"id": difference_id}).first()
    return None if row is None else _found(row)


def page(
    tx: Connection,
    *,
    filters: Mapping[str, str],
    resolved: bool | None,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Found]:
    """Newest first, one more than `limit` where there are more."""
    query = select(*_COLUMNS).order_by(differences.c.created_at.desc(), differences.c.id.desc())
    for name, value in filters.items():
        query = query.where(differences.c[name] == value)
    if resolved is not None:
        query = query.where(_RESOLVED if resolved else ~_RESOLVED)
    query = window(query, differences.c.created_at, differences.c.id, span, after)
    return [_found(row) for row in tx.execute(query.limit(limit + 1))]


def resolve(tx: Connection, found: Found, reason: str, actor: str, now: datetime) -> None:
    """Write down that a person has dealt with it, and how."""
    values = {
        "id": new_id("dec", now), "subject": found.id, "action": "resolved", "reason": reason,
        "actor": actor, "payment_id": found.difference.payment_id, "at": now,
    }  # fmt: skip
    tx.execute(_DECIDE, values)


def _own(row: AnyRow) -> Own:
    return Own(
        row.transaction_id, row.payment_id, Money(row.amount, row.currency), int(row.booked),
        int(row.refunded),
    )  # fmt: skip


def _found(row: AnyRow) -> Found:
    difference = Difference(
        Match(row.match), row.transaction_id, row.payment_id, row.currency, row.theirs, row.ours,
        row.booked, row.theirs_refunded, row.ours_refunded,
    )  # fmt: skip
    return Found(
        row.id, row.reconciliation_id, row.gateway, row.account, difference, row.created_at
    )
