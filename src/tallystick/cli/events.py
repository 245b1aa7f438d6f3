"""`tallystick events`: have events delivered again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from tallystick.cli.options import Key, Url
from tallystick.domain.errors import Invalid

if TYPE_CHECKING:
    from tallystick.cli.server import ServerClient

events = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Deliver events again.")


@events.callback()
def _root() -> None:
    """Deliver events again."""


@events.command()
def resend(
    event_id: Annotated[
        str | None, Argument(metavar="ID", show_default=False, help="evt_…")
    ] = None,
    since: Annotated[
        str | None,
        Option(metavar="T", show_default=False, help="All since then, as 2026-11-20T09:00:00Z."),
    ] = None,
    endpoint: Annotated[
        str | None,
        Option(metavar="ID", show_default=False, help="To this endpoint alone: whe_…"),
    ] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Deliver one event again, or all since a time, to the endpoints that want them."""
    from tallystick.cli.server import find_server

    if (event_id is None) == (since is None):
        raise Invalid("Name one event (evt_…), or a time with --since.")
    count = _resend(find_server(url, key), event_id, since, endpoint)
    typer.echo(f"{count} {'delivery is' if count == 1 else 'deliveries are'} on the way.")


def _resend(
    server: "ServerClient", event_id: str | None, since: str | None, endpoint: str | None
) -> int:
    wish: dict[str, Any] = {} if endpoint is None else {"endpointId": endpoint}
    if event_id is not None:
        answer = server.post(f"/api/events/{event_id}/resend", wish)
    else:
        answer = server.post("/api/events/resend", {**wish, "since": since})
    return int(answer["data"]["deliveries"])
