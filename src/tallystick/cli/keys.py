"""`tallystick keys`: the secret keys of a merchant's servers, and the secret of this one."""

import secrets
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from tallystick.cli.options import Database
from tallystick.domain.errors import NotConfigured, NotFound

if TYPE_CHECKING:
    from tallystick.flows.hub import Hub
    from tallystick.flows.master_keys import Rotation
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
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.flows.keys import create_key

    typer.echo(with_offline_hub(database, lambda hub: create_key(hub, role, label)))


@keys.command("list")
def list_(database: Database = None) -> None:
    """List the keys: id, beginning, role, day, state and label."""
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.store import credentials

    found = with_offline_hub(database, lambda hub: hub.database.read(credentials.keys))
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
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.store import credentials

    ended = with_offline_hub(
        database,
        lambda hub: hub.database.write(lambda tx: credentials.revoke_key(tx, key_id, hub.now())),
    )
    if not ended:
        raise NotFound(f"There is no key {key_id!r}; see `tallystick keys list`.")
    typer.echo(f"{key_id} is revoked.")


@keys.command("rotate-master")
def rotate_master(
    give_up: Annotated[
        bool, Option("--give-up", help="The old secret is lost: what only it opens is lost too.")
    ] = False,
    database: Database = None,
) -> None:
    """Seal everything anew with the first secret of TALLYSTICK_SECRET_KEY.

    First set it to the new secret, a comma and the old one, and restart every server. This works
    in slices beside them; it may be stopped and repeated. It says when the old secret can go.
    """
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.flows.master_keys import rotate

    async def work(hub: "Hub") -> "Rotation":
        if not hub.secret.secrets:
            raise NotConfigured("Set TALLYSTICK_SECRET_KEY: the new secret, a comma, the old one.")
        return await rotate(hub, give_up=give_up)

    told = with_offline_hub(database, work)
    for name, count in sorted(told.done.items()):
        if count:
            typer.echo(f"{name}: {count} sealed anew.")
    for name, count in sorted((+told.lost).items()):
        typer.echo(f"{name}: {count} can never be opened again.")
    typer.echo(
        "Everything is sealed with the first secret of TALLYSTICK_SECRET_KEY; the others may go."
    )


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
