"""`tallystick effects`: list what could not be done outside, and have it done again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from tallystick.cli.options import Key, Url
from tallystick.domain.errors import Invalid

if TYPE_CHECKING:
    from tallystick.cli.server import ServerClient

effects = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Letters and callbacks that are dead."
)


@effects.command("list")
def show(url: Url = None, key: Key = None) -> None:
    """List the effects that could not be done for three days."""
    from tallystick.cli.server import find_server

    dead = _dead(find_server(url, key))
    for one in dead:
        typer.echo(f"{one['id']}  {one['kind']}  {one['about']}  {one['error'] or ''}".rstrip())
    if not dead:
        typer.echo("None is dead.")


@effects.command()
def retry(
    effect_id: Annotated[
        str | None, Argument(metavar="ID", show_default=False, help="job_…")
    ] = None,
    every: Annotated[bool, Option("--all", help="All that are dead.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Have one dead effect done again, or all of them."""
    from tallystick.cli.server import find_server

    if (effect_id is None) == (not every):
        raise Invalid("Name one effect (job_…), or all with --all.")
    server = find_server(url, key)
    ids = [one["id"] for one in _dead(server)] if effect_id is None else [effect_id]
    for one in ids:
        server.post(f"/api/effects/{one}/retry", {})
    typer.echo(f"{len(ids)} {'effect is' if len(ids) == 1 else 'effects are'} tried again.")


def _dead(server: "ServerClient") -> list[dict[str, Any]]:
    """All of them, page by page."""
    found: list[dict[str, Any]] = []
    place = ""
    while True:
        page = server.get(f"/api/effects?state=dead&limit=200{place}")
        found += page["data"]
        if not page["pagination"]["hasMore"]:
            return found
        place = f"&cursor={page['pagination']['nextCursor']}"
