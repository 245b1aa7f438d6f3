"""The command line: one module for each command, which imports what it needs when it is run."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tallystick import __version__
from tallystick.cli.audit import audit
from tallystick.cli.dashboard import dashboard
from tallystick.cli.doctor import doctor
from tallystick.cli.effects import effects
from tallystick.cli.events import events
from tallystick.cli.forget import forget
from tallystick.cli.keys import keys
from tallystick.cli.listen import listen
from tallystick.cli.migrate import migrate
from tallystick.cli.pay import pay
from tallystick.cli.reconcile import reconcile
from tallystick.cli.serve import serve, work
from tallystick.cli.tax_id import tax_id
from tallystick.cli.watch import watch
from tallystick.cli.why import why
from tallystick.domain.errors import HubError
from tallystick.sandbox.commands.demo import demo
from tallystick.sandbox.commands.dev import dev
from tallystick.sandbox.commands.sim import sim
from tallystick.sandbox.commands.trigger import trigger

EPILOG = (
    "Every command leaves with 0 when it did what it says, 1 when it could not (one line on "
    "standard error says why, and what to do), and 2 when its words were wrong."
)


class Commands(TyperGroup):
    """Turns what the hub refuses into a line for a person and exit code 1."""

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


for command in (
    dev, demo, serve, work, migrate, dashboard, pay, watch, why, listen, trigger, audit, reconcile,
    doctor, tax_id, forget,
):  # fmt: skip
    app.command()(command)
app.add_typer(events, name="events")
app.add_typer(effects, name="effects")
app.add_typer(keys, name="keys")
app.add_typer(sim, name="sim")


def main() -> None:
    """The program `tallystick`."""
    app()
