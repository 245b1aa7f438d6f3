"""`tallystick forget`: erase a person's data; the books and decisions stay."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from tallystick.cli.options import Database

if TYPE_CHECKING:
    from tallystick.flows.hub import Hub


def forget(
    whom: Annotated[
        str, Argument(metavar="PAYMENT|EMAIL", help="A payment's id, pay_…, or an address.")
    ],
    reason: Annotated[
        str, Option(help="Why; it is written into the decisions log.")
    ] = "asked to be forgotten",
    database: Database = None,
) -> None:
    """Erase what ties payments to a person.

    Prints what was erased. Goes: the bytes of notices and answers, memos, addresses and user names.
    Stays: the ledger, credits, evidence with its digests, decisions, tax ids, and events, without
    the address. Needs the server's TALLYSTICK_SECRET_KEY.
    """
    from tallystick.cli.offline_hub import with_offline_hub

    erased = with_offline_hub(database, lambda hub: _forget(hub, whom, reason))
    for what, many in erased.items():
        if many:
            typer.echo(f"{many:>6}  {what}")


async def _forget(hub: "Hub", whom: str, reason: str) -> Mapping[str, int]:
    from tallystick.flows.forget import forget_payment, forget_person

    known = forget_person if "@" in whom else forget_payment
    return await known(hub, whom, reason)
