"""`tallystick serve` and `tallystick work`: the server of a merchant, and its background work."""

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.options import Database, read_settings
from tallystick.cli.running import listen, quick_start, until_stopped, warm_up

if TYPE_CHECKING:
    from tallystick.settings import Settings


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8787,
    scheduler: Annotated[
        bool,
        typer.Option(
            "--no-scheduler",
            help="Leave jobs and deliveries to `tallystick work`.",
            show_default=False,
        ),
    ] = True,
    database: Database = None,
) -> None:
    """Serve in production, behind a proxy that speaks https.

    Settings come from the environment and from the file .env. Each one that is missing or unsafe
    is named on a line of its own, and nothing is started. Migrates the database first.
    """
    settings = read_settings(database)
    _refuse_faults(settings)
    listening = listen(host, port)
    quick_start()

    async def run() -> None:
        from tallystick.wiring import production

        server = await production(settings)
        typer.echo(f"Tallystick serves on http://{host}:{port}, publicly {settings.base_url}.")
        await server.run(listening, warm_up, scheduler=scheduler and settings.scheduler)

    until_stopped(settings.log_level, run)


def work(database: Database = None) -> None:
    """Do the background work, and serve nothing.

    That is the jobs, the questions to gateways and the deliveries. For several processes on
    PostgreSQL: start the servers with --no-scheduler and one or more of these beside them.
    Each piece of work is held by one process at a time.
    """
    settings = read_settings(database)
    _refuse_faults(settings)
    until_stopped(settings.log_level, lambda: _work(settings))


async def _work(settings: "Settings") -> None:
    from tallystick.wiring import production

    server = await production(settings)
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with server.open():
        typer.echo("Tallystick works. Stop it with Ctrl-C.")
        await told.wait()


def _refuse_faults(settings: "Settings") -> None:
    """Before anything is opened, so that an operator reads them all at once."""
    from tallystick.domain.errors import NotConfigured

    faults = settings.faults()
    if faults:
        raise NotConfigured("\n".join(faults))
