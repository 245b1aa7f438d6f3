"""Questions: which payments are asked about next at one gateway, and in which order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, text, update

from tallystick.domain.budget import SHARE
from tallystick.domain.payment import Phase
from tallystick.domain.schedule import Rank
from tallystick.store.schema.core import payments

NOBODY: Final = ""
"""The line of payments that no gateway was chosen for: drafts of links."""
NEAR: Final = timedelta(seconds=30)
"""An offer is at its deadline so long before it."""
LEFT_TO_ITS_WATCHER: Final = timedelta(seconds=15)
"""So long only the process that serves the watcher asks."""
_MOST_WATCHED: Final = 256
_P: Final = payments.c


@dataclass(frozen=True, slots=True)
class _Due:
    id: str
    at: datetime


def _at(line: str) -> ColumnElement[bool]:
    return _P.gateway.is_(None) if line == NOBODY else _P.gateway == bindparam("line")


def _heads(line: str) -> Select[tuple[datetime | None, ...]]:
    """When the first of each rank is due: one probe of the index each, however long the line is."""
    return select(*(
        select(func.min(_P.next_check_at, type_=_P.next_check_at.type))
        .where(_at(line), _P.rank == int(rank), _P.next_check_at.is_not(None))
        .scalar_subquery()
        for rank in Rank
    ))  # fmt: skip


def _ranked(line: str) -> Select[tuple[str, datetime]]:
    return (
        select(_P.id, _P.next_check_at)
        .where(_at(line), _P.rank == bindparam("rank"), _P.next_check_at <= bindparam("now"))
        .order_by(_P.next_check_at)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )


def _ending(line: str) -> Select[tuple[str, datetime]]:
    # The words of the index itself, or the planners do not see that it serves.
    open_ = text("phase IN ('draft', 'open')")
    return (
        select(_P.id, _P.next_check_at)
        .where(_at(line), open_, _P.expires_at <= bindparam("soon"),
               _P.next_check_at <= bindparam("now"))
        .order_by(_P.expires_at)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )  # fmt: skip


_HEADS: Final = {named: _heads("gateway" if named else NOBODY) for named in (True, False)}
_RANKED: Final = {named: _ranked("gateway" if named else NOBODY) for named in (True, False)}
_ENDING: Final = {named: _ending("gateway" if named else NOBODY) for named in (True, False)}
_HOLD = (
    update(payments)
    .where(_P.id.in_(bindparam("ids", expanding=True)))
    .values(next_check_at=bindparam("until"))
)
_KNOCK = (
    update(payments)
    .where(_P.id == bindparam("of_id"), _P.phase == Phase.OPEN, _P.rank > int(Rank.KNOCKED))
    .values(rank=int(Rank.KNOCKED), next_check_at=bindparam("now"))
)
_NEXT_LINE = select(func.min(_P.gateway)).where(
    _P.gateway > bindparam("after"), _P.next_check_at.is_not(None)
)


def lines(tx: Connection) -> list[str]:
    """Every gateway that a payment with a timer is at, also those that are not set up any more."""
    found = [NOBODY]
    while (name := tx.execute(_NEXT_LINE, {"after": found[-1]}).scalar()) is not None:
        found.append(name)
    return found


def next_due(tx: Connection, line: str) -> datetime | None:
    """When the first question of a line is due."""
    heads = tx.execute(_HEADS[line != NOBODY], {"line": line}).one()
    return min((at for at in heads if at is not None), default=None)


def take_due(  # noqa: PLR0913 - one for each bound
    tx: Connection,
    line: str,
    now: datetime,
    until: datetime,
    limit: int,
    *,
    asked: int = 0,
    watched: Callable[[str], bool] = lambda _: False,
) -> list[str]:
    """The payments to ask about now, the most urgent first, at most `limit`.

    Of four, one is whoever waits longest, by the count of all that were `asked`. What somebody
    watches elsewhere is left to that process for a while. Held by moving the timer to `until`, so
    that another worker, or this one after a crash, takes them up again then.
    """
    if limit <= 0:
        return []
    ranks = list(_by_rank(tx, line, now, limit, watched))
    urgent = [due for rank in ranks for due in rank]
    patient = sorted(urgent, key=lambda due: due.at)
    taken: dict[str, None] = {}
    for number in range(asked, asked + limit):
        order = patient if number % SHARE == SHARE - 1 else urgent
        chosen = next((due.id for due in order if due.id not in taken), None)
        if chosen is not None:
            taken[chosen] = None
    if taken:
        tx.execute(_HOLD, {"ids": list(taken), "until": until})
    return list(taken)


def knock(tx: Connection, payment_id: str, now: datetime) -> None:
    """Somebody knocked and the gateway could not be asked: this payment comes first."""
    tx.execute(_KNOCK, {"of_id": payment_id, "now": now})


def _by_rank(
    tx: Connection, line: str, now: datetime, limit: int, watched: Callable[[str], bool]
) -> Iterator[Sequence[_Due]]:
    values = {"line": line, "now": now, "limit": limit}
    for rank in Rank:
        if rank is Rank.YOUNG:
            yield _rows(tx, _ENDING[line != NOBODY], {**values, "soon": now + NEAR})
        if rank is Rank.WATCHED:
            left = now - LEFT_TO_ITS_WATCHER
            wider = {**values, "rank": int(rank), "limit": max(limit, _MOST_WATCHED)}
            rows = _rows(tx, _RANKED[line != NOBODY], wider)
            yield [due for due in rows if due.at <= left or watched(due.id)][:limit]
        else:
            yield _rows(tx, _RANKED[line != NOBODY], {**values, "rank": int(rank)})


def _rows(
    tx: Connection, statement: Select[tuple[str, datetime]], values: dict[str, object]
) -> list[_Due]:
    return [_Due(row.id, row.next_check_at) for row in tx.execute(statement, values)]
