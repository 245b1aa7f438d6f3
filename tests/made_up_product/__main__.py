"""`tallystick dev`, with one product more in its list and nothing else changed."""

from __future__ import annotations

from typing import Annotated

import typer

from tallystick.cli.options import Database
from tallystick.sandbox.commands.dev import serve_dev
from tests.made_up_product.product import DONATIONS

app = typer.Typer()


@app.callback()
def main() -> None:
    """The program."""


@app.command()
def dev(
    port: int = 0,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Serve with simulated gateways, and sell donations too."""
    serve_dev(port, database, as_json=as_json, more=(DONATIONS,))


app()
