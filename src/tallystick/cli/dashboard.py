"""`tallystick dashboard`: a link that opens the operator's pages once."""

from typing import Annotated

import typer

from tallystick.cli.options import Database, read_settings


def dashboard(
    role: Annotated[str, typer.Option(help="admin, operator or reader.")] = "operator",
    database: Database = None,
) -> None:
    """Print a link that opens the dashboard once, within the hour.

    The session that it begins ends after half an hour without use, or half a day; it may do what
    the role allows.
    """
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.cli.server import address_of
    from tallystick.flows.dashboard_access import invite
    from tallystick.web.dashboard import address

    token, _ = with_offline_hub(database, lambda hub: invite(hub, role))
    typer.echo(address(address_of(read_settings(database)), token))
