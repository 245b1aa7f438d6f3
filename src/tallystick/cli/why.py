"""`tallystick why`: the proof of where a payment stands, in sentences."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument

from tallystick.cli.options import Database, Key, Url
from tallystick.domain.errors import NotFound

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tallystick.flows.hub import Hub


def why(
    id_: Annotated[str, Argument(metavar="ID", help="pay_…, plink_… or a link's short code.")],
    url: Url = None,
    key: Key = None,
    database: Database = None,
) -> None:
    """Tell why a payment is where it is.

    Prints the evidence, in order, and what is due next. Reads the database; a running server
    instead where --url or TALLYSTICK_URL names one.
    """
    for line in _lines(_from_server(id_, url, key) if url else _from_database(id_, database)):
        typer.echo(line)


def _from_server(thing: str, url: str, key: str | None) -> dict[str, Any]:
    from tallystick.cli.server import find_server

    server = find_server(url, key)
    if not thing.startswith("pay_"):
        thing = server.get(f"/api/payment-links/{thing}")["data"]["paymentId"]
    proof: dict[str, Any] = server.get(f"/api/payments/{thing}/why")["data"]
    return proof


def _from_database(thing: str, database: str | None) -> dict[str, Any]:
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.flows.why import why as prove
    from tallystick.web import shapes

    async def work(hub: "Hub") -> dict[str, Any]:
        payment_id = await hub.database.read(lambda tx: _payment_of(tx, thing))
        return {**shapes.proof(await prove(hub, payment_id))}

    return with_offline_hub(database, work)


def _payment_of(tx: "Connection", thing: str) -> str:
    from tallystick.store import links

    if thing.startswith("pay_"):
        return thing
    link = links.find(tx, thing) or links.by_short_code(tx, thing.upper())
    if link is None:
        raise NotFound(f"There is no payment and no link {thing!r} in this database.")
    return link.payment_id


def _lines(proof: dict[str, Any]) -> list[str]:
    marks = [proof["amountState"], *(["late"] if proof["late"] else [])]
    marks += [f"review: {proof['review']}"] if proof["review"] else []
    lines = [f"{proof['id']} is {proof['phase']} ({', '.join(marks)}), because:"]
    for number, reason in enumerate(proof["reasons"], 1):
        at = reason["at"][:19].replace("T", " ")
        again = f" ({reason['times']} times)" if reason["times"] > 1 else ""
        lines.append(f"{number:>3}. {at} UTC  {reason['sentence']}{again}")
    return [*lines, proof["due"]]
