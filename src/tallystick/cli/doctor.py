"""`tallystick doctor`: look at the settings and the database, and say what to mend."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tallystick.cli.options import Database, read_settings
from tallystick.domain.errors import HubError

if TYPE_CHECKING:
    from tallystick.settings import Settings
    from tallystick.store.checkup import DatabaseFacts

# sqlite.org/wal.html, "The WAL Reset Bug", read 2026-11.
SQLITE_MENDED: Final = (3, 51, 3)
LARGEST_SKEW: Final = timedelta(seconds=30)
_LATELY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at. `word` is `ok`, `note` (may stay) or `mend` (must not)."""

    word: str
    what: str
    words: str

    def __str__(self) -> str:
        return f"{self.word:<5} {self.what:<10} {self.words}"


def doctor(
    production: Annotated[
        bool, typer.Option("--production", help="Also hold the settings to what `serve` needs.")
    ] = False,
    database: Database = None,
) -> None:
    """Check settings, database, clock and gateways.

    One line each: `ok`, `note` for what may stay as it is, `mend` with how to mend it. Leaves with
    1 where there is something to mend.
    """
    settings = read_settings(database)
    lines = [
        *_settings(settings, production=production),
        *_database(settings, production=production),
        *_keys(settings),
        *_clock_doubts(settings),
        *_endpoints(settings),
        *_jobs(settings),
        *_gateways(settings, production=production),
        *_folder(settings),
    ]
    for line in lines:
        typer.echo(str(line))
    if any(line.word == "mend" for line in lines):
        raise typer.Exit(1)


def _settings(settings: "Settings", *, production: bool) -> Iterator[Line]:
    faults = settings.faults()
    for fault in faults:
        words = fault if production else f"Before production: {fault}"
        yield Line("mend" if production else "note", "settings", words)
    if not faults:
        yield Line("ok", "settings", "All that `tallystick serve` needs is set.")


def _database(settings: "Settings", *, production: bool) -> Iterator[Line]:
    from tallystick.cli.offline_hub import NothingThere, with_offline_hub
    from tallystick.store import checkup

    try:
        facts = with_offline_hub(
            settings.database_url, lambda hub: hub.database.read(checkup.database_facts)
        )
    except NothingThere as error:
        # `serve` makes it at its first start; without --production something should be there.
        words = f"{error.detail} The first `tallystick serve` does it too."
        yield Line("note", "database", words) if production else Line("mend", "database", words)
        return
    except HubError as error:
        yield Line("mend", "database", error.detail)
        return
    yield Line("ok", "database", f"{facts.program} at step {facts.step}.")
    if facts.dialect == "sqlite":
        yield _sqlite(facts)
    yield _clock(facts)


def _sqlite(facts: "DatabaseFacts") -> Line:
    if facts.version >= SQLITE_MENDED:
        return Line("ok", "sqlite", "Its version has no known fault that concerns us.")
    return Line(
        "note", "sqlite",
        f"Versions before {_dotted(SQLITE_MENDED)} can, very rarely, damage a file when two "
        "processes write at one instant (sqlite.org/wal.html#walresetbug). One server writes "
        "through one connection; keep other writers away from the file, back it up, or run on a "
        "Python with a newer SQLite, or on PostgreSQL.",
    )  # fmt: skip


def _clock(facts: "DatabaseFacts") -> Line:
    skew = abs(datetime.now(UTC) - facts.now)
    if skew > LARGEST_SKEW:
        return Line(
            "mend", "clock",
            f"This machine and the database differ by {skew.total_seconds():.0f} s: set both by "
            "NTP (chrony, systemd-timesyncd).",
        )  # fmt: skip
    if facts.newest is not None and facts.newest - datetime.now(UTC) > LARGEST_SKEW:
        return Line(
            "mend", "clock",
            f"The newest row is from {facts.newest:%Y-%m-%d %H:%M} UTC, which is still to come: "
            "set this machine's clock by NTP. (A sandbox whose clock was moved looks so too.)",
        )  # fmt: skip
    return Line("ok", "clock", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC.")


def _clock_doubts(settings: "Settings") -> Iterator[Line]:
    """Servers whose clock the gateways contradict; where the database is away, it says so."""
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.store import clock_doubts

    with suppress(HubError):
        lately = datetime.now(UTC) - _LATELY
        for one in with_offline_hub(
            settings.database_url,
            lambda hub: hub.database.read(lambda tx: clock_doubts.said_since(tx, lately)),
        ):
            yield Line(
                "mend", "clock",
                f"{one.holder} lets nothing expire ({one.at:%Y-%m-%d %H:%M} UTC): {one.why} "
                "Set its clock by NTP; the next answer of a gateway that agrees ends it.",
            )  # fmt: skip


def _gateways(settings: "Settings", *, production: bool) -> Iterator[Line]:
    from tallystick.catalogue import GATEWAYS
    from tallystick.gateways.wire import HttpWire

    complete = [name for name in GATEWAYS if settings.is_complete(name)]
    if not complete:
        word = "mend" if production else "note"
        yield Line(word, "gateways", "None has its keys set; see docs/gateways.")
    for name in complete:
        try:
            GATEWAYS[name](settings, HttpWire())
        except HubError as error:
            yield Line("mend", name, error.detail)
            continue
        url = f"{settings.base_url.rstrip('/')}/api/webhooks/{name}"
        if settings.secure:
            yield Line("ok", name, f"Its keys are set. Its webhooks go to {url}.")
        else:
            yield Line(
                "mend", name,
                f"It cannot send webhooks to {url}: set TALLYSTICK_BASE_URL to an https address.",
            )  # fmt: skip


def _keys(settings: "Settings") -> Iterator[Line]:
    """Whether all that is sealed can be opened; where the database is away, it says so."""
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.flows.master_keys import columns_of, missing

    masters = settings.masters
    if not masters.secrets:
        return
    with suppress(HubError):
        lacking = with_offline_hub(
            settings.database_url,
            lambda hub: hub.database.read(lambda tx: missing(tx, masters, columns_of(hub))),
        )
        if lacking is not None:
            yield Line("mend", "secret", lacking)
        elif len(masters.secrets) > 1:
            yield Line(
                "note", "secret",
                "TALLYSTICK_SECRET_KEY has an old secret too: `tallystick keys rotate-master` "
                "seals everything with the first, and says when the old one can go.",
            )  # fmt: skip


def _endpoints(settings: "Settings") -> Iterator[Line]:
    """Webhook endpoints that get nothing any more; where the database is away, it says so."""
    from tallystick.cli.offline_hub import with_offline_hub
    from tallystick.store import webhook_endpoints

    with suppress(HubError):
        for one in with_offline_hub(
            settings.database_url, lambda hub: hub.database.read(webhook_endpoints.disabled)
        ):
            yield Line(
                "note", "webhooks",
                f"{one.id} ({one.url}) is disabled since {one.disabled_at:%Y-%m-%d %H:%M} UTC. "
                f"{one.disabled_reason} Mend it, enable it, and have `tallystick events resend "
                "--since` deliver what it missed; or delete it.",
            )  # fmt: skip


def _jobs(settings: "Settings") -> Iterator[Line]:
    off = sorted(set(settings.jobs_off))
    if off:
        yield Line(
            "note", "jobs",
            f"Switched off by TALLYSTICK_JOBS_OFF: {', '.join(off)}. They run neither by "
            "themselves nor by HTTP until they are taken out of it.",
        )  # fmt: skip


def _folder(settings: "Settings") -> Iterator[Line]:
    url = settings.database_url
    if url.startswith("sqlite:///"):
        folder = Path(url.removeprefix("sqlite:///")).absolute().parent
        if not folder.is_dir():
            yield Line("mend", "folder", f"{folder} does not exist: make it, for this user.")
        elif os.access(folder, os.W_OK):
            yield Line("ok", "folder", f"{folder} can be written.")
        else:
            yield Line("mend", "folder", f"{folder} cannot be written: give this user the right.")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
