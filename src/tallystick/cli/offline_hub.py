"""A hub without gateways and without a server, for commands that only need the database."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tallystick.cli.options import read_settings
from tallystick.domain.errors import Invalid, NotConfigured

if TYPE_CHECKING:
    from tallystick.domain.sealing import Masters
    from tallystick.flows.hub import Hub
    from tallystick.settings import Settings
    from tallystick.store.database import Database

T = TypeVar("T")


def with_offline_hub(database: str | None, work: "Callable[[Hub], Awaitable[T]]") -> T:
    """What `work` answers. Raises NotConfigured where the database is not of this version."""
    return asyncio.run(_with_offline_hub(database, work))


async def _with_offline_hub(database: str | None, work: "Callable[[Hub], Awaitable[T]]") -> T:
    from tallystick.flows.hub import Hub
    from tallystick.live.hub import LiveHub
    from tallystick.mail import mail_of
    from tallystick.products import EXTENSIONS
    from tallystick.store.connect import open_database
    from tallystick.system_clock import SystemClock

    settings = read_settings(database)
    refuse_missing_file(settings.database_url)
    opened = open_database(settings.database_url)
    try:
        await opened.read(_refuse_other_version)
        secret = await _secret(opened, settings)
        hub = Hub(
            database=opened, gateways={}, fulfilments={}, live=LiveHub(), clock=SystemClock(),
            settings=settings, secret=secret, holder="command", mail=mail_of(settings),
            extensions=EXTENSIONS,
        )  # fmt: skip
        return await work(hub)
    finally:
        await opened.close()


async def _secret(database: "Database", settings: "Settings") -> "Masters":
    """The master secrets that are configured, if any, with the keys that are kept."""
    from tallystick.flows.master_keys import with_kept

    masters = settings.masters
    try:
        return (
            await database.read(lambda tx: with_kept(tx, masters)) if masters.secrets else masters
        )
    except Invalid:
        # Most commands open nothing that is sealed; those that do say so.
        return masters


class NothingThere(NotConfigured):
    """The database was not made yet, or has no tables yet."""


def refuse_missing_file(url: str) -> None:
    """Opening a SQLite database would make an empty file. Raises NothingThere, NotConfigured."""
    from tallystick.store.database import refuse_no_place

    refuse_no_place(url)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise NothingThere(
            f"There is no database {url}: name it with --database or TALLYSTICK_DATABASE_URL, "
            f"or make it with `tallystick migrate --database {url}`."
        )


def _refuse_other_version(tx: object) -> None:
    from tallystick.store.known_state import HEAD, step

    found = step(tx)  # type: ignore[arg-type]
    if found is None:
        raise NothingThere(
            "The database has no tables of Tallystick: name another one, or make them with "
            "`tallystick migrate` and the same database."
        )
    if found != HEAD:
        raise NotConfigured(
            f"The database is at step {found}, this program needs {HEAD}: run `tallystick migrate` "
            "with the same database."
        )
