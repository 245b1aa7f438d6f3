"""Notices as an operator sees them: what came, what became of it, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, select, update

from tallystick.domain.credit import Credit
from tallystick.domain.evidence import Claim
from tallystick.domain.ids import floor_id
from tallystick.store.columns import AnyRow
from tallystick.store.documents import credit, credit_document
from tallystick.store.inbox import ORPHAN, UNREADABLE
from tallystick.store.schema.core import inbox

STATES: Final = ("handled", "waiting", ORPHAN, UNREADABLE)
_OPEN: Final = inbox.c.handled_at.is_(None)
_IN_STATE: Final[Mapping[str, ColumnElement[bool]]] = {
    "handled": inbox.c.handled_at.is_not(None),
    "waiting": and_(_OPEN, inbox.c.trouble.is_(None)),
    ORPHAN: inbox.c.trouble == ORPHAN,
    UNREADABLE: inbox.c.trouble == UNREADABLE,
}
_ALL = select(
    inbox.c.id, inbox.c.gateway, inbox.c.account, inbox.c.event_id, inbox.c.refs, inbox.c.claim,
    inbox.c.credits, inbox.c.memo, inbox.c.received_at, inbox.c.due_at, inbox.c.tries,
    inbox.c.payment_id, inbox.c.handled_at, inbox.c.error, inbox.c.digest, inbox.c.trouble,
)  # fmt: skip
_FIND = _ALL.where(inbox.c.id == bindparam("id"))
_READ_AGAIN = (
    update(inbox)
    .where(inbox.c.id == bindparam("of_id"), _OPEN)
    .values(
        refs=bindparam("refs"), claim=bindparam("claim"), credits=bindparam("credits"),
        memo=bindparam("memo"), error=bindparam("error"), trouble=bindparam("trouble"),
        due_at=bindparam("due_at"), handled_at=bindparam("handled_at"),
    )
)  # fmt: skip
_AGAIN = (
    update(inbox).where(inbox.c.id == bindparam("of_id"), _OPEN).values(due_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One notice. `error` is why it is not handled yet, or why nobody can read it."""

    id: str
    gateway: str
    account: str
    event_id: str
    refs: tuple[str, ...]
    claim: Claim
    credits: tuple[Credit, ...]
    memo: str
    received_at: datetime
    due_at: datetime | None
    tries: int
    payment_id: str | None
    handled_at: datetime | None
    error: str | None
    digest: str | None
    trouble: str | None

    @property
    def state(self) -> str:
        """One of `STATES`."""
        return "handled" if self.handled_at is not None else self.trouble or "waiting"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a notice says now that it was read again. `unreadable` is why it still cannot be."""

    refs: tuple[str, ...]
    claim: Claim
    credits: tuple[Credit, ...]
    memo: str
    unreadable: str
    over: bool
    rests: bool


def find(tx: Connection, notice_id: str) -> Listed | None:
    """One notice, or None."""
    row = tx.execute(_FIND, {"id": notice_id}).first()
    return None if row is None else _listed(row)


def page(
    tx: Connection,
    *,
    filters: Mapping[str, str],
    span: tuple[datetime | None, datetime | None],
    after: str | None,
    limit: int,
) -> Sequence[Listed]:
    """Newest first, one more than `limit` where there are more; `after` is the last id before.

    Filters: `gateway`, `state` (one of STATES), `payment` (an id). Ids sort by their time.
    """
    query = _ALL.order_by(inbox.c.id.desc()).limit(limit + 1)
    if "gateway" in filters:
        query = query.where(inbox.c.gateway == filters["gateway"])
    if "payment" in filters:
        query = query.where(inbox.c.payment_id == filters["payment"])
    if "state" in filters:
        query = query.where(_IN_STATE[filters["state"]])
    if span[0] is not None:
        query = query.where(inbox.c.received_at > span[0], inbox.c.id >= floor_id("ntc", span[0]))
    if span[1] is not None:
        query = query.where(inbox.c.received_at < span[1])
    if after is not None:
        query = query.where(inbox.c.id < after)
    return [_listed(row) for row in tx.execute(query)]


def read_again(tx: Connection, notice_id: str, reading: Reading, now: datetime) -> bool:
    """Write what it says by today's understanding; False where it was handled meanwhile."""
    values = {
        "of_id": notice_id,
        "refs": list(reading.refs),
        "claim": reading.claim.value,
        "credits": [credit_document(one) for one in reading.credits],
        "memo": reading.memo,
        "error": reading.unreadable or None,
        "trouble": UNREADABLE if reading.unreadable else None,
        "due_at": None if reading.over or reading.rests else now,
        "handled_at": now if reading.over else None,
    }
    return tx.execute(_READ_AGAIN, values).rowcount == 1


def again(tx: Connection, notice_id: str, now: datetime) -> bool:
    """Make it due now as it is; False where it was handled meanwhile."""
    return tx.execute(_AGAIN, {"of_id": notice_id, "now": now}).rowcount == 1


def _listed(row: AnyRow) -> Listed:
    values = dict(row._mapping)
    values["refs"] = tuple(values["refs"])
    values["claim"] = Claim(values["claim"])
    values["credits"] = tuple(credit(document) for document in values["credits"])
    return Listed(**values)
