"""Credits: money that came to our accounts, each kept once, with its owner or without one."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.credit import Credit
from tallystick.domain.ids import new_id
from tallystick.domain.ledger import unowned
from tallystick.store import ledger
from tallystick.store.columns import AnyRow
from tallystick.store.places import window
from tallystick.store.schema.credits import DECIDED, WAITING, credits

_TWIN: Final = "~"
# The words of the indexes, or the planners do not see that they serve.
_IN_STATE: Final = {"waiting": WAITING, "decided": DECIDED}
_COLUMNS = tuple(credits.c)
_FIND = select(*_COLUMNS).where(credits.c.id == bindparam("id"))
_LOCK = _FIND.with_for_update()
_NAMED = select(*_COLUMNS).where(
    credits.c.gateway == bindparam("gateway"),
    credits.c.account == bindparam("account"),
    credits.c.transaction_id.in_(bindparam("names", expanding=True)),
)
_KEEP = {
    "sqlite": sqlite_insert(credits).on_conflict_do_nothing(),
    "postgresql": pg_insert(credits).on_conflict_do_nothing(),
}
_OWN = (
    update(credits)
    .where(
        credits.c.id == bindparam("of_id"),
        credits.c.payment_id.is_(None),
        credits.c.returned_at.is_(None),
    )
    .values(payment_id=bindparam("owner"), due_at=None)
)
_BOOKED = (
    update(credits)
    .where(credits.c.id.in_(bindparam("ids", expanding=True)))
    .values(counted=True, unowned=bindparam("before_its_owner"))
)
_DECIDED = (
    update(credits)
    .where(credits.c.id == bindparam("of_id"))
    .values(decided_at=bindparam("now"), returned_at=bindparam("back"), due_at=None)
)
_MEANT_FOR = select(*_COLUMNS).where(
    credits.c.meant_for == bindparam("payment_id"),
    credits.c.payment_id.is_(None),
    credits.c.decided_at.is_(None),
)
_OF_PAYMENT = (
    select(*_COLUMNS)
    .where(credits.c.payment_id == bindparam("payment_id"))
    .order_by(credits.c.at, credits.c.id)
)
_DUE = (
    select(credits.c.id, credits.c.meant_for)
    .where(credits.c.due_at <= bindparam("now"))
    .order_by(credits.c.due_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(credits)
    .where(credits.c.id.in_(bindparam("ids", expanding=True)))
    .values(due_at=bindparam("until"), tries=credits.c.tries + 1)
)
_REST = (
    update(credits)
    .where(credits.c.id.in_(bindparam("ids", expanding=True)), credits.c.payment_id.is_(None))
    .values(due_at=None)
)
_NEXT_DUE = select(func.min(credits.c.due_at, type_=credits.c.due_at.type)).where(
    credits.c.due_at.is_not(None)
)
_LET_GO = update(credits).where(credits.c.due_at > bindparam("now")).values(due_at=bindparam("now"))


@dataclass(frozen=True, slots=True)
class KeptCredit:
    """One credit as it is kept. `counted` money is in the books; the rest somebody told of.

    `unowned` is true where it was booked before it had an owner. `meant_for` is the one payment
    that its memo names. A twin shares its bank's reference with other money.
    """

    id: str
    credit: Credit
    heard_at: datetime
    counted: bool
    unowned: bool
    payment_id: str | None
    meant_for: str | None = None
    is_twin: bool = False
    notice_id: str | None = None
    due_at: datetime | None = None
    tries: int = 0
    decided_at: datetime | None = None
    returned_at: datetime | None = None

    @property
    def original(self) -> tuple[str, str, str]:
        """The name of the credit that a twin shares its bank's reference with."""
        reference, _, _ = self.credit.transaction_id.rpartition(_TWIN)
        return (self.credit.gateway, self.credit.account, reference)

    @property
    def is_free(self) -> bool:
        """Whether a payment can still have it."""
        return self.payment_id is None and self.returned_at is None


def find(tx: Connection, credit_id: str) -> KeptCredit | None:
    """One credit, or None."""
    row = tx.execute(_FIND, {"id": credit_id}).first()
    return None if row is None else _kept(row)


def lock(tx: Connection, credit_id: str) -> KeptCredit:
    """One credit that there is, held against every other writer until this transaction ends."""
    return _kept(tx.execute(_LOCK, {"id": credit_id}).one())


def named(tx: Connection, items: Iterable[Credit]) -> dict[tuple[str, str, str], KeptCredit]:
    """What is kept under the names of these credits."""
    return by_name(tx, {item.name for item in items})


def by_name(
    tx: Connection, wanted: Iterable[tuple[str, str, str]]
) -> dict[tuple[str, str, str], KeptCredit]:
    """What is kept under these names."""
    by_account: dict[tuple[str, str], list[str]] = {}
    for gateway, account, name in sorted(wanted):
        by_account.setdefault((gateway, account), []).append(name)
    found: list[KeptCredit] = []
    for (gateway, account), names in by_account.items():
        values = {"gateway": gateway, "account": account, "names": names}
        found += map(_kept, tx.execute(_NAMED, values))
    return {kept.credit.name: kept for kept in found}


def keep(
    tx: Connection,
    items: Sequence[Credit],
    now: datetime,
    *,
    claimant: str | None = None,
    notice_id: str | None = None,
) -> list[KeptCredit]:
    """Keep what is new of these credits, and answer how each stands; in their order.

    What is new is not booked yet: see `own` and `book_unowned`. Where a name is taken by other
    money, the credit is kept under a name of its own, as a twin that waits for a person: two banks'
    clerks may give two transfers one reference.
    """
    known = named(tx, items)
    there = {name: _Taken(kept.credit, kept.payment_id) for name, kept in known.items()}
    renamed = []
    for item in items:
        one = _apart(there.get(item.name), item, claimant)
        there.setdefault(one.name, _Taken(one, None))
        renamed.append(one)
    known |= named(tx, [one for one in renamed if one.name not in known])
    fresh = {one.name: one for one in renamed if one.name not in known}
    if fresh:
        tx.execute(_KEEP[tx.dialect.name], [
            _row(one, now, notice_id=notice_id, is_twin=one.name not in {i.name for i in items})
            for one in fresh.values()
        ])  # fmt: skip
        known |= named(tx, fresh.values())
    return [known[one.name] for one in renamed]


class _Taken(NamedTuple):
    """What has a name already, and the payment that owns it."""

    credit: Credit
    payment_id: str | None


def _apart(taken: _Taken | None, item: Credit, claimant: str | None) -> Credit:
    """The credit under the name that is its own."""
    if taken is None or not _is_other_money(taken, item, claimant):
        return item
    facts = item.row or f"{item.minor} {item.currency} {item.at.isoformat()}"
    mark = hashlib.sha256(facts.encode()).hexdigest()[:8]
    return replace(item, transaction_id=f"{item.transaction_id}{_TWIN}{mark}")


def _is_other_money(taken: _Taken, item: Credit, claimant: str | None) -> bool:
    """Two lines of one list are two transfers. Else the facts decide, between two payments.

    Within one payment an answer that changes its facts is the gateway's contradiction.
    """
    there = taken.credit
    # A line of a list and a notice of the same transfer have other names for it.
    if there.row.partition(":")[0] == item.row.partition(":")[0] != "":
        return there.row != item.row
    if taken.payment_id in {None, claimant}:
        return False
    return (there.money, there.at) != (item.money, item.at)


def own(tx: Connection, kept: KeptCredit, payment_id: str) -> bool:
    """Give the credit its owner, if it has none; whether it is this payment's now."""
    if kept.payment_id == payment_id:
        return True
    return tx.execute(_OWN, {"of_id": kept.id, "owner": payment_id}).rowcount == 1


def book_unowned(tx: Connection, new: Sequence[KeptCredit], now: datetime) -> None:
    """Put money that nobody owns yet into the books, where it stands in suspense."""
    if new:
        transfers = [unowned(one.id, one.credit.gateway, one.credit.money) for one in new]
        ledger.post_new(tx, transfers, now)
        tx.execute(_BOOKED, {"ids": [one.id for one in new], "before_its_owner": True})


def count(tx: Connection, kept: KeptCredit) -> None:
    """Note that it is in the books, as its owner's."""
    if not kept.counted:
        tx.execute(_BOOKED, {"ids": [kept.id], "before_its_owner": False})


def decide(tx: Connection, credit_id: str, now: datetime, *, returned: bool) -> None:
    """A person gave it back, or leaves it alone: it leaves the list of what waits."""
    tx.execute(_DECIDED, {"of_id": credit_id, "now": now, "back": now if returned else None})


_MEAN = update(credits).where(
    credits.c.id == bindparam("of_id"), credits.c.payment_id.is_(None)
).values(meant_for=bindparam("whom"), due_at=bindparam("due"))  # fmt: skip


def mean(tx: Connection, credit_id: str, payment_id: str, due_at: datetime) -> None:
    """Its memo names this payment, which takes it up at once."""
    tx.execute(_MEAN, {"of_id": credit_id, "whom": payment_id, "due": due_at})


def meant_for(tx: Connection, payment_id: str) -> list[KeptCredit]:
    """The credits whose memo names this payment and that it does not have yet."""
    return [_kept(row) for row in tx.execute(_MEANT_FOR, {"payment_id": payment_id})]


def of_payment(tx: Connection, payment_id: str) -> list[KeptCredit]:
    """The credits that a payment owns, in the order in which they came."""
    return [_kept(row) for row in tx.execute(_OF_PAYMENT, {"payment_id": payment_id})]


def take_due(tx: Connection, now: datetime, until: datetime, limit: int) -> list[tuple[str, str]]:
    """Credits whose payment is to take them up, and that payment; held until `until`."""
    due = [(row.id, row.meant_for) for row in tx.execute(_DUE, {"now": now, "limit": limit})]
    if due:
        tx.execute(_TAKE, {"ids": [credit_id for credit_id, _ in due], "until": until})
    return due


def rest(tx: Connection, credit_ids: Sequence[str]) -> None:
    """Leave these to a person, unless they have found their owner."""
    if credit_ids:
        tx.execute(_REST, {"ids": list(credit_ids)})


def next_due(tx: Connection) -> datetime | None:
    """When the earliest credit is to be taken up."""
    return tx.execute(_NEXT_DUE).scalar()


def let_go(tx: Connection, now: datetime) -> None:
    """Make everything due that a dead process may have held. Only where nobody else works."""
    tx.execute(_LET_GO, {"now": now})


def page(
    tx: Connection,
    *,
    state: str,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[KeptCredit]:
    """Money without an owner, or with one that a person named: newest first.

    One more than `limit` where there are more. `state` is `waiting`, `decided` or `all`.
    """
    states = (state,) if state in _IN_STATE else tuple(_IN_STATE)
    found = [one for each in states for one in _page(tx, _IN_STATE[each], span, after, limit)]
    found.sort(key=lambda kept: (kept.heard_at, kept.id), reverse=True)
    return found[: limit + 1]


def _page(
    tx: Connection, which: str, span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None, limit: int,
) -> list[KeptCredit]:  # fmt: skip
    query = select(*_COLUMNS).where(text(which))
    query = query.order_by(credits.c.heard_at.desc(), credits.c.id.desc())
    if which == WAITING:
        # What is just being taken up by its payment waits for nobody.
        query = query.where(credits.c.due_at.is_(None))
    query = window(query, credits.c.heard_at, credits.c.id, span, after)
    return [_kept(row) for row in tx.execute(query.limit(limit + 1))]


def _row(item: Credit, now: datetime, *, notice_id: str | None, is_twin: bool) -> dict[str, Any]:
    return {
        "id": new_id("crd", now),
        "gateway": item.gateway,
        "account": item.account,
        "transaction_id": item.transaction_id,
        "amount": item.minor,
        "currency": item.currency,
        "at": item.at,
        "heard_at": now,
        "counted": False,
        "unowned": False,
        "line": item.row,
        "memo": item.memo,
        "refs": list(item.refs),
        "notice_id": notice_id,
        "is_twin": is_twin,
        "meant_for": None,
        "due_at": None,
        "tries": 0,
        "payment_id": None,
        "decided_at": None,
        "returned_at": None,
    }


def _kept(row: AnyRow) -> KeptCredit:
    money = Credit(
        row.gateway, row.account, row.transaction_id, row.amount, row.currency, row.at,
        memo=row.memo, refs=tuple(row.refs), row=row.line,
    )  # fmt: skip
    return KeptCredit(
        id=row.id, credit=money, heard_at=row.heard_at, counted=row.counted, unowned=row.unowned,
        payment_id=row.payment_id, meant_for=row.meant_for, is_twin=row.is_twin,
        notice_id=row.notice_id, due_at=row.due_at, tries=row.tries, decided_at=row.decided_at,
        returned_at=row.returned_at,
    )  # fmt: skip
