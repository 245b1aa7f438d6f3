"""The command line."""

import json
import os
import socket
import sys
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Tallystick."""


@app.command()
def dev(
    port: Annotated[int, typer.Option()] = 8787,
    database: Annotated[str | None, typer.Option()] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Start with simulated gateways."""
    import uvloop

    from tallystick import logs
    from tallystick.settings import Settings
    from tallystick.wiring import development

    settings = Settings()
    logs.configure(settings.log_level, readable=sys.stderr.isatty())
    if database:
        settings = settings.model_copy(update={"database_url": database})
    listening = socket.create_server(("127.0.0.1", port), backlog=2048)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    async def main_() -> None:
        house, ring = await development(settings, url)

        def ready() -> None:
            print(
                json.dumps(
                    {
                        "url": url,
                        "secretKey": ring.api_key,
                        "cronSecret": ring.cron_secret,
                        "jwtSecret": ring.jwt_secret,
                        "dashboardUrl": url + "/docs",
                        "database": settings.database_url,
                        "pid": os.getpid(),
                    }
                ),
                flush=True,
            )

        await house.run(listening, ready)

    uvloop.run(main_())


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
