"""`tallystick audit`: check every invariant of the books against the rows of the database."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli.options import Database

if TYPE_CHECKING:
    from tallystick.flows.audit import Finding
    from tallystick.flows.hub import Hub


def audit(
    database: Database = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only what was written since the last daily audit.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    head: Annotated[
        str | None,
        typer.Option(metavar="LINKS-HASH", help="A head of the proof that must be in the chain."),
    ] = None,
) -> None:
    """Check every invariant of the books. 0 when all hold, 1 otherwise.

    Only reads, in short steps, and may run beside a working server. Each invariant that is broken
    is printed with the first rows that break it. The server logs the head of the proof as it grows
    (proof_head); with --head one from a log or a backup is looked up, so that rows that are gone
    from the end are noticed too.
    """
    from tallystick.products import CHECKS

    findings = findings_of(database, changed=changed, head=head)
    if as_json:
        typer.echo(json.dumps(_document(findings, len(CHECKS)), ensure_ascii=False))
    else:
        for line in _lines(findings, len(CHECKS)):
            typer.echo(line)
    if findings:
        raise typer.Exit(1)


def findings_of(
    database: str | None, *, changed: bool = False, head: str | None = None
) -> "list[Finding]":
    """What is broken. Raises Invalid, NotConfigured, DatabaseUnavailable."""
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.domain.proof_chain import Head
    from tallystick.flows.audit import audit as check
    from tallystick.flows.audit import audit_changes, checks_of, look_up

    known = None if head is None else Head.read(head)

    async def work(hub: "Hub") -> "list[Finding]":
        checks = checks_of(hub)
        looked = (
            audit_changes(hub.database, checks, hub.now())
            if changed
            else check(hub.database, checks)
        )
        return await look_up(hub.database, known, await looked)

    return with_offline_hub(database, work)


def _document(findings: "list[Finding]", checked: int) -> dict[str, Any]:
    broken = [
        {"invariant": one.invariant, "sentence": one.sentence, "rows": list(one.rows)}
        for one in findings
    ]
    return {"holds": not broken, "checked": checked, "broken": broken}


def _lines(findings: "list[Finding]", checked: int) -> list[str]:
    if not findings:
        return [f"The books are in order: all {checked} invariants hold."]
    lines = [f"The books are not in order: {len(findings)} of {checked} invariants are broken."]
    for one in findings:
        lines += [f"{one.invariant}: {one.sentence}", *(f"    {row}" for row in one.rows)]
    return lines
