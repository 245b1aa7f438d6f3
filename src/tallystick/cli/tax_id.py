"""`tallystick tax-id`: the sealed tax id of an order, for whoever writes its VAT invoice."""

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from tallystick.cli.options import Database
from tallystick.domain.errors import NotConfigured, NotFound

if TYPE_CHECKING:
    from tallystick.flows.hub import Hub


def tax_id(
    order_id: Annotated[str, Argument(metavar="ORDER", help="The order's id, ord_….")],
    database: Database = None,
) -> None:
    """Print the tax id of an order, alone, on standard output. No answer of the API has it.

    Needs the server's TALLYSTICK_SECRET_KEY, which it is sealed with.
    """
    from tallystick.cli.offline_hub import with_offline_hub

    typer.echo(with_offline_hub(database, lambda hub: _opened(hub, order_id)))


async def _opened(hub: "Hub", order_id: str) -> str:
    from tallystick.products.orders import ordering as flow
    from tallystick.products.orders import rows as orders

    if not hub.secret.secrets:
        raise NotConfigured("Set TALLYSTICK_SECRET_KEY to the server's, which seals tax ids.")
    order = await hub.database.read(lambda tx: orders.find(tx, order_id))
    found = None if order is None else flow.tax_id(hub, order)
    if found is None:
        raise NotFound("There is no order with this id and a tax id.")
    return found
