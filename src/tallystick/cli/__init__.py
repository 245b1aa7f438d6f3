"""The command line: a module for each command, imported when the command is asked for."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperGroup
from typer.main import get_group

from tallystick import __version__
from tallystick.domain.errors import HubError

# By name only: what takes money must not import the sandbox, not even for its commands.
COMMANDS: Final[Mapping[str, str]] = {
    "dev": "tallystick.sandbox.commands.dev:dev",
    "demo": "tallystick.sandbox.commands.demo:demo",
    "serve": "tallystick.cli.serve:serve",
    "work": "tallystick.cli.serve:work",
    "migrate": "tallystick.cli.migrate:migrate",
    "dashboard": "tallystick.cli.dashboard:dashboard",
    "pay": "tallystick.cli.pay:pay",
    "watch": "tallystick.cli.watch:watch",
    "why": "tallystick.cli.why:why",
    "listen": "tallystick.cli.listen:listen",
    "trigger": "tallystick.sandbox.commands.trigger:trigger",
    "audit": "tallystick.cli.audit:audit",
    "reconcile": "tallystick.cli.reconcile:reconcile",
    "doctor": "tallystick.cli.doctor:doctor",
    "tax-id": "tallystick.cli.tax_id:tax_id",
    "forget": "tallystick.cli.forget:forget",
    "events": "tallystick.cli.events:events",
    "effects": "tallystick.cli.effects:effects",
    "keys": "tallystick.cli.keys:keys",
    "sim": "tallystick.sandbox.commands.sim:sim",
}
"""Where each command is: a module, and in it a function or a group of commands."""

EPILOG = (
    "Every command leaves with 0 when it did what it says, 1 when it could not (one line on "
    "standard error says why, and what to do), and 2 when its words were wrong."
)


class _Imported(Mapping[str, Any]):
    """The commands, each of which is imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=name)
        else:
            alone.command(name)(found)
        return get_group(alone).commands[name]

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """Turns what the hub refuses into a line for a person and exit code 1."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = cast("dict[str, Any]", _Imported())

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the help."""
        return list(COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except HubError as error:
            typer.echo(error.detail, err=True)
            raise typer.Exit(1) from error


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tallystick {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"max_content_width": 100}, epilog=EPILOG,
)  # fmt: skip


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Tallystick: take payments through many gateways, and prove each of them."""


def main() -> None:
    """The program `tallystick`."""
    app()
