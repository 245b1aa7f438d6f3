"""A hub without gateways and without a server, for commands that only need the database."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tallystick.cli.options import read_settings
from tallystick.domain.errors import NotConfigured

if TYPE_CHECKING:
    from tallystick.flows.hub import Hub

T = TypeVar("T")


class _Now:
    """The machine's own time."""

    def now(self) -> datetime:
        """Now, aware, in UTC."""
        return datetime.now(UTC)

    def real_now(self) -> datetime:
        """The same."""
        return datetime.now(UTC)


def in_office(database: str | None, work: "Callable[[Hub], Awaitable[T]]") -> T:
    """What `work` answers. Raises NotConfigured where the database is not of this version."""
    return asyncio.run(_in_office(database, work))


async def _in_office(database: str | None, work: "Callable[[Hub], Awaitable[T]]") -> T:
    from tallystick.flows.hub import Hub
    from tallystick.live.hub import LiveHub
    from tallystick.mail import mail_of
    from tallystick.store.database import open_database

    settings = read_settings(database)
    refuse_missing_file(settings.database_url)
    opened = open_database(settings.database_url)
    try:
        await opened.read(_refuse_other_version)
        hub = Hub(
            database=opened, gateways={}, fulfilments={}, live=LiveHub(), clock=_Now(),
            settings=settings, secret=b"", holder="office", mail=mail_of(settings),
        )  # fmt: skip
        return await work(hub)
    finally:
        await opened.close()


def refuse_missing_file(url: str) -> None:
    """Opening a SQLite database would make an empty file. Raises NotConfigured."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise NotConfigured(
            f"There is no database {url}: name it with --database or TALLYSTICK_DATABASE_URL, "
            "or make it with `tallystick migrate`."
        )


def _refuse_other_version(tx: object) -> None:
    from tallystick.store.known_state import HEAD, step

    found = step(tx)  # type: ignore[arg-type]
    if found != HEAD:
        raise NotConfigured(
            f"The database is at step {found or 'nothing'}, this program needs {HEAD}: "
            "run `tallystick migrate`."
        )
