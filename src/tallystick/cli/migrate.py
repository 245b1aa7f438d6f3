"""`tallystick migrate`: bring the database to the schema of this version."""

import asyncio

import typer

from tallystick.cli.options import Database, read_settings


def migrate(database: Database = None) -> None:
    """Bring the database to the schema of this version.

    Safe to repeat, and never goes back. `serve`, `work` and `dev` do it at their start too.
    """
    from tallystick.store import migrate as store

    changed = asyncio.run(store.migrate(read_settings(database).database_url))
    words = "is now" if changed else "was already"
    typer.echo(f"The database {words} at step {store.HEAD}.")
