"""`tallystick keys`: the secret keys of a merchant's servers, and the secret of this one."""

import secrets
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from tallystick.cli.options import Database
from tallystick.domain.errors import NotFound

if TYPE_CHECKING:
    from tallystick.store.credentials import KeyListing

keys = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, list and end API keys.")


@keys.command()
def create(
    role: Annotated[str, Option(help="admin, operator or reader.", show_default=False)],
    label: Annotated[str, Option(help="For yourself: what it is used for.")] = "",
    database: Database = None,
) -> None:
    """Make a secret key and print it, alone, on standard output. It is never shown again.

    A reader sees everything, an operator also takes and cancels payments, an admin may do all.
    """
    from tallystick.cli.office import in_office
    from tallystick.flows.keys import create_key

    typer.echo(in_office(database, lambda hub: create_key(hub, role, label)))


@keys.command("list")
def list_(database: Database = None) -> None:
    """List the keys: id, beginning, role, day, state and label."""
    from tallystick.cli.office import in_office
    from tallystick.store import credentials

    found = in_office(database, lambda hub: hub.database.read(credentials.keys))
    for key in found:
        typer.echo(_row(key))
    if not found:
        typer.echo("There are no keys; make one with `tallystick keys create --role admin`.")


@keys.command()
def revoke(
    key_id: Annotated[str, Argument(metavar="ID", help="As `tallystick keys list` shows it.")],
    database: Database = None,
) -> None:
    """End a key. Requests with it are refused from now on."""
    from tallystick.cli.office import in_office
    from tallystick.store import credentials

    ended = in_office(
        database,
        lambda hub: hub.database.write(lambda tx: credentials.revoke_key(tx, key_id, hub.now())),
    )
    if not ended:
        raise NotFound(f"There is no key {key_id!r}; see `tallystick keys list`.")
    typer.echo(f"{key_id} is revoked.")


@keys.command()
def secret() -> None:
    """Print a fresh value for TALLYSTICK_SECRET_KEY."""
    typer.echo(secrets.token_hex(32))


def _row(key: "KeyListing") -> str:
    state = "in force" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d}"
    return (
        f"{key.id}  tsk_{key.lookup}_…  {key.role:<8}  {key.created_at:%Y-%m-%d}  {state}  "
        f"{key.label}"
    ).rstrip()
