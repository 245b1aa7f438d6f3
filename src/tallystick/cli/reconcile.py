"""`tallystick reconcile`: hold a gateway's transactions against our receipts and the ledger."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli.options import Database, Key, Url
from tallystick.domain.errors import Invalid

if TYPE_CHECKING:
    from tallystick.flows.hub import Hub


def reconcile(
    gateway: Annotated[str, typer.Option(help="Its name, for example polar.")],
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="2026-11-01 or 2026-11-01T09:00:00Z.")
    ],
    until: Annotated[
        str, typer.Option("--to", metavar="TIME", help="The end, left out; UTC without a zone.")
    ],
    url: Url = None,
    key: Key = None,
    database: Database = None,
) -> None:
    """Compare a gateway's transactions with ours, one by one. Moves no money.

    0 when all match, or what differs is resolved; 1 otherwise. Asks the gateway with the keys of
    the settings, and writes what it finds to the database; through a running server instead where
    --url or TALLYSTICK_URL names one.
    """
    span = (_time(since), _time(until))
    report = _by_server(gateway, span, url, key) if url else _by_ourselves(gateway, span, database)
    for line in _lines(report):
        typer.echo(line)
    if report["waiting"]:
        raise typer.Exit(1)


def _by_server(
    gateway: str, span: tuple[datetime, datetime], url: str, key: str | None
) -> dict[str, Any]:
    from tallystick.cli.server import find_server

    wish = {"gateway": gateway, "from": span[0].isoformat(), "to": span[1].isoformat()}
    told: dict[str, Any] = find_server(url, key).post("/api/reconciliations", wish)["data"]
    return told


def _by_ourselves(
    gateway: str, span: tuple[datetime, datetime], database: str | None
) -> dict[str, Any]:
    from tallystick.catalogue import former_gateways, real_gateways
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.flows.reconcile import reconcile as compare
    from tallystick.gateways.wire import HttpWire
    from tallystick.products import PRODUCTS, fulfilments_of
    from tallystick.web.reconciliations import report_shape

    async def work(hub: "Hub") -> dict[str, Any]:
        wire = HttpWire()
        hub.gateways = {one.name: one for one in real_gateways(hub.settings, wire)}
        hub.former = former_gateways(hub.settings, wire)
        hub.fulfilments = fulfilments_of(PRODUCTS, hub.secret, hub.settings)
        try:
            return {**report_shape(await compare(hub, gateway, *span))}
        finally:
            await wire.close()

    return with_offline_hub(database, work)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            f"{text[:40]!r} is no time: use 2026-11-01 or 2026-11-01T09:00:00Z."
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['gateway']}: {report['matched']} matched, {report['differing']} differ."]
    for one in report["differences"]:
        reasons = "; ".join(decision["reason"] for decision in one["decisions"])
        state = f"resolved: {reasons}" if reasons else one["id"]
        lines.append(f"{one['match']}: {one['sentence']} ({state})")
    return lines
