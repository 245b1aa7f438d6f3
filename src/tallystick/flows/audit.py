"""Audit: every invariant of the books, checked against the rows."""

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from tallystick.domain.errors import BooksBroken
from tallystick.flows.hub import Hub
from tallystick.store.audit import CHECKS, Check
from tallystick.store.database import Database

SHOWN: Final = 20

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant that does not hold, and the first rows that break it."""

    invariant: str
    sentence: str
    rows: tuple[str, ...]


async def audit(database: Database) -> list[Finding]:
    """Run every check; an empty list means that all invariants hold.

    Only reads, and may run beside a working server: each check sees one consistent picture.
    Raises DatabaseUnavailable.
    """
    findings = []
    for check in CHECKS:
        rows = await database.read(partial(_first, check))
        if rows:
            findings.append(Finding(check.invariant, check.sentence, rows))
    return findings


async def audit_job(hub: Hub) -> dict[str, Any]:
    """The daily run. Raises BooksBroken, so that the run counts as failed and somebody looks."""
    findings = await audit(hub.database)
    for finding in findings:
        log.error(
            "invariant_broken", invariant=finding.invariant, sentence=finding.sentence,
            rows=finding.rows,
        )  # fmt: skip
    if findings:
        told = "; ".join(f"{one.invariant}: {one.rows[0]}" for one in findings)
        raise BooksBroken(f"{len(findings)} of {len(CHECKS)} invariants do not hold. {told}")
    return {"checked": len(CHECKS), "broken": []}


def _first(check: Check, tx: Connection) -> tuple[str, ...]:
    return tuple(islice(check.broken(tx), SHOWN))
