"""`tallystick demo`: the development server, or the whole main job done by itself."""

from typing import Annotated

import typer

from tallystick.cli.options import Database
from tallystick.sandbox.commands.dev import PORT, Port, serve_dev


def demo(
    auto: Annotated[
        bool, typer.Option("--auto", help="Play the main job from link to audit, and leave.")
    ] = False,
    port: Port = PORT,
    database: Database = None,
) -> None:
    """Like `dev`; with --auto, play the main job by itself.

    The play uses a server of its own on a free port and a database that is thrown away: link,
    attempt, QR code, payer, webhook, verification, live page, delivery, audit. It leaves with 0,
    or with 1 and a line that names the step that failed.
    """
    if not auto:
        serve_dev(port, database, as_json=False)
        return
    from tallystick.sandbox.demo_script import run

    run()
