"""Audit: every invariant of the books, checked against the rows, in slices."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.errors import BooksBroken, CurrencyUnknown, Invalid
from tallystick.domain.proof_chain import Head
from tallystick.flows.hub import Hub
from tallystick.flows.proof_chain import extend, knows
from tallystick.store.audit import CHECKS, Check
from tallystick.store.audit.base import Rows, Walk
from tallystick.store.audit.marks import NEWS, Mark, News, count, marks, put
from tallystick.store.audit.proof import LINKED
from tallystick.store.database import Database

SHOWN: Final = 20
ROUND: Final = 7
"""In so many runs of the daily job everything is looked at again."""

DAYS: Final = 366
"""As many days as there may be in a walk along days."""

# A slice holds a transaction: a tenth of a second is short for whoever waits, and long enough for
# the work to count.
_LONG_S: Final = 0.2
_SHORT_S: Final = 0.05
_FEWEST: Final = 20
_AT_FIRST: Final = 100
_MOST: Final = 5_000
_TOGETHER: Final = 100

# What reading a row raises whose values make no sense. A database that is away is none of them.
_ILLEGIBLE: Final = (
    ArithmeticError, AttributeError, CurrencyUnknown, Invalid, LookupError, TypeError, ValueError,
)  # fmt: skip

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant that does not hold, and the first rows that break it."""

    invariant: str
    sentence: str
    rows: tuple[str, ...]


def checks_of(hub: Hub) -> tuple[Check, ...]:
    """Every invariant: the core's, and those of the products."""
    return (*CHECKS, *hub.extensions.checks)


async def audit(database: Database, checks: Sequence[Check]) -> list[Finding]:
    """Look at everything; an empty list means that all invariants hold.

    Only reads, and may run beside a working server: each slice sees one consistent picture.
    Raises DatabaseUnavailable.
    """
    auditor = _Auditor(database, checks)
    for check in checks:
        for part in check.parts:
            if callable(part):
                await auditor.whole(check, part)
            else:
                await auditor.walk(check, part, "")
    return auditor.findings()


async def audit_changes(
    database: Database, checks: Sequence[Check], now: datetime
) -> list[Finding]:
    """Look only at what was written since the daily job last proved the books.

    Only reads, like `audit`. Raises DatabaseUnavailable.
    """
    auditor = _Auditor(database, checks)
    kept = await database.read(marks)
    _, changed = await _changed(auditor, kept, now)
    for check in checks:
        for part in check.parts:
            if callable(part):
                await auditor.whole(check, part)
            else:
                mark = kept.get(_name(check, part), Mark())
                await _prove(auditor, check, part, mark, changed, now)
    return auditor.findings()


async def prove(database: Database, checks: Sequence[Check], now: datetime) -> list[Finding]:
    """Look at what was written since the last time, and at a part of all the rest.

    Keeps what it has proven. What was found broken counts as not proven, and is looked at again
    each time until it is mended. Raises DatabaseUnavailable.
    """
    auditor = _Auditor(database, checks)
    kept = await database.read(marks)
    fresh, changed = await _changed(auditor, kept, now)
    for check in checks:
        for part in check.parts:
            if callable(part):
                await auditor.whole(check, part)
                continue
            name = _name(check, part)
            mark = await _prove(auditor, check, part, kept.get(name, Mark()), changed, now)
            mark = await _go_round(auditor, check, part, mark)
            fresh[name] = mark
    # At the end and at once, so that a run that dies half-way finds the same changes again.
    await database.write(partial(put, kept=fresh, now=now))
    return auditor.findings()


async def look_up(database: Database, head: Head | None, found: Sequence[Finding]) -> list[Finding]:
    """What was found, and whether this head that somebody kept is gone from the chain."""
    if head is None or await knows(database, head):
        return list(found)
    line = f"Link {head.links} of the proof is not {head.hash[:12]}, or gone with rows before it"
    [check] = [one for one in CHECKS if one.invariant == LINKED]
    known = next((one.rows for one in found if one.invariant == LINKED), ())
    others = [one for one in found if one.invariant != LINKED]
    return [*others, Finding(LINKED, check.sentence, (*known, line))]


async def audit_job(hub: Hub) -> dict[str, Any]:
    """The daily run. Raises BooksBroken, so that the run counts as failed and somebody looks."""
    await extend(hub)
    checks = checks_of(hub)
    findings = await prove(hub.database, checks, hub.now())
    for finding in findings:
        log.error(
            "invariant_broken", invariant=finding.invariant, sentence=finding.sentence,
            rows=finding.rows,
        )  # fmt: skip
    if findings:
        told = "; ".join(f"{one.invariant}: {one.rows[0]}" for one in findings)
        raise BooksBroken(f"{len(findings)} of {len(checks)} invariants do not hold. {told}")
    return {"checked": len(checks), "broken": []}


@dataclass(slots=True)
class _Auditor:
    """Runs parts of checks, each slice in a transaction of its own, and keeps what it found."""

    database: Database
    checks: Sequence[Check]
    many: int = _AT_FIRST
    found: dict[Check, list[str]] = field(default_factory=dict)

    async def whole(self, check: Check, part: Any) -> None:
        """A part that looks at little enough to be run at once."""
        read = self.database.read(lambda tx: _legible(check.invariant, lambda: part(tx)))
        self._note(check, await read)

    async def walk(
        self, check: Check, walk: Walk, after: str, rows: int | None = None
    ) -> tuple[str, str | None]:
        """Along all rows after a key, or `rows` of them.

        How far it came, and where the first slice began in which something was found.
        """
        broken: str | None = None
        self.many = _AT_FIRST
        while rows is None or rows > 0:
            many = self.many if rows is None else min(self.many, rows)
            found = await self._timed(partial(_slice, walk, after, many))
            if found is None:
                break
            until, more, lines = found
            if lines and broken is None:
                broken = after
            self._note(check, lines)
            after = until
            if rows is not None:
                rows -= many if isinstance(walk, Rows) else 1
            if not more or len(self.found.get(check, ())) >= SHOWN:
                break
        return after, broken

    async def touched(self, check: Check, walk: Walk, payment_ids: list[str]) -> str | None:
        """Along the rows of some payments; the first of them where something was found."""
        for start in range(0, len(payment_ids), _TOGETHER):
            some = payment_ids[start : start + _TOGETHER]
            read = partial(_of_payments, walk, some)
            lines = await self.database.read(read)
            self._note(check, lines)
            if lines:
                return some[0]
        return None

    async def news(self, source: News, after: str) -> tuple[set[str], str]:
        """The payments of which something was written after a key, and how far that went."""
        found: set[str] = set()
        self.many = _AT_FIRST
        while True:
            read = await self._timed(partial(_news, source, after, self.many))
            if read is None:
                return found, after
            after, ids = read
            found.update(ids)

    def findings(self) -> list[Finding]:
        """What does not hold, in the order of the checks."""
        return [
            Finding(check.invariant, check.sentence, tuple(dict.fromkeys(lines))[:SHOWN])
            for check in self.checks
            if (lines := self.found.get(check))
        ]

    async def _timed(self, body: Any) -> Any:
        """Run one slice, and make the next one smaller or larger by the time that it took."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        result = await self.database.read(body)
        took = loop.time() - started
        if took > _LONG_S:
            self.many = max(_FEWEST, self.many // 2)
        elif took < _SHORT_S:
            self.many = min(_MOST, self.many * 2)
        return result

    def _note(self, check: Check, lines: Iterable[str]) -> None:
        if lines:
            self.found.setdefault(check, []).extend(lines)


async def _changed(
    auditor: _Auditor, kept: dict[str, Mark], now: datetime
) -> tuple[dict[str, Mark], list[str]]:
    """How far the news go, and the payments that they are of; none at the first time."""
    changed: set[str] = set()
    fresh: dict[str, Mark] = {}
    for source in NEWS:
        name = f"news {source.name}"
        last = kept.get(name)
        if last is None:
            # Every row is new now, so that all are looked at anyway.
            until = await auditor.database.read(source.last)
        else:
            found, until = await auditor.news(source, last.proven)
            changed |= found
        if until:
            fresh[name] = Mark(source.settled(until, now))
    return fresh, sorted(changed)


async def _prove(
    auditor: _Auditor, check: Check, walk: Walk, mark: Mark, changed: list[str], now: datetime
) -> Mark:
    """Go on from what is proven, and look again at the rows of payments that have changed."""
    until, broken = await auditor.walk(check, walk, mark.proven)
    if broken is not None:
        proven = broken
    else:
        proven = max(mark.proven, walk.settled(until, now), key=_order(walk)) if until else ""
    if await auditor.touched(check, walk, changed) is not None:
        proven = ""
    return Mark(proven, mark.round)


def _name(check: Check, walk: Walk) -> str:
    return f"{check.invariant} {walk.name}"


async def _go_round(auditor: _Auditor, check: Check, walk: Walk, mark: Mark) -> Mark:
    """Look at the next part of everything again; from the first row after the last."""
    rows = DAYS
    if isinstance(walk, Rows):
        rows = await auditor.database.read(partial(count, rows=walk))
    at, broken = await auditor.walk(check, walk, mark.round, -(-rows // ROUND))
    following = await auditor.database.read(lambda tx: walk.border(tx, at, 1))
    proven = mark.proven if broken is None else min(mark.proven, broken, key=_order(walk))
    return Mark(proven, "" if following is None else at)


def _order(walk: Walk) -> Any:
    return walk.parsed if isinstance(walk, Rows) else str


def _first(lines: Iterable[str]) -> list[str]:
    return list(islice(lines, SHOWN))


def _slice(walk: Walk, after: str, many: int, tx: Connection) -> tuple[str, bool, list[str]] | None:
    try:
        found = walk.border(tx, after, many)
    except _ILLEGIBLE as error:
        return after, False, [_not_read(walk.name, error)]
    if found is None:
        return None
    return *found, _legible(walk.name, lambda: walk.broken(tx, after, found[0]))


def _of_payments(walk: Walk, payment_ids: list[str], tx: Connection) -> list[str]:
    return _legible(walk.name, lambda: walk.touched(tx, payment_ids))


def _legible(name: str, look: Callable[[], Iterable[str]]) -> list[str]:
    """The first lines of what was found; a value that cannot be read is a finding too."""
    try:
        return _first(look())
    except _ILLEGIBLE as error:
        return [_not_read(name, error)]


def _not_read(name: str, error: Exception) -> str:
    """Somebody changed it by hand, or the disk did. It is not repeated: it may be a payer's."""
    return f"{name}: a row holds a value that nobody can read ({type(error).__name__})."


def _news(source: News, after: str, many: int, tx: Connection) -> tuple[str, Sequence[str]] | None:
    found = source.border(tx, after, many)
    return None if found is None else (found[0], source.payments(tx, after, found[0]))
