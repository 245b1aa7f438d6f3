"""A fresh, migrated database for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.infra import programs, shared
from tests.infra.postgres import PostgresServer

DIALECTS = ("sqlite", "postgresql")
FIXTURES = ("database_url", "empty_database_url")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a database once on each of them, unless it is marked for one."""
    for fixture in FIXTURES:
        if fixture in metafunc.fixturenames:
            on_each(metafunc, fixture)


def on_each(
    metafunc: pytest.Metafunc, fixture: str, *, scope: Literal["module"] | None = None
) -> None:
    """Run a test once for each database, unless it says itself what the fixture is to be."""
    dialects = [
        pytest.param(dialect, marks=() if dialect == "sqlite" else pytest.mark.postgres)
        for dialect in wanted_dialects(metafunc.definition)
    ]
    already = {
        name.strip()
        for mark in metafunc.definition.iter_markers("parametrize")
        for name in (mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0])
    }
    if fixture not in already:
        metafunc.parametrize(fixture, dialects, indirect=True, scope=scope)


def wanted_dialects(item: pytest.Function) -> tuple[str, ...]:
    """The databases that a test's marks leave over."""
    if item.get_closest_marker("sqlite_only"):
        return ("sqlite",)
    if item.get_closest_marker("postgresql_only"):
        return ("postgresql",)
    return DIALECTS


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that exists for this test alone, with the program's migrations run."""
    yield from fresh(request, tmp_path, migrated=True)


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table, for tests of the migrations themselves."""
    yield from fresh(request, tmp_path, migrated=False)


def fresh(request: pytest.FixtureRequest, tmp_path: Path, *, migrated: bool) -> Iterator[str]:
    """Make a database of the kind that the parameter names, and remove it afterwards."""
    yield from of_kind(getattr(request, "param", "sqlite"), request, tmp_path, migrated=migrated)


def of_kind(
    dialect: str, request: pytest.FixtureRequest, folder: Path, *, migrated: bool
) -> Iterator[str]:
    """The same for a database of this kind, for fixtures with parameters of their own."""
    if dialect == "sqlite":
        yield fresh_file(folder / "tallystick.db", migrated=migrated)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create(template=postgres_template(server) if migrated else None)
    yield url
    server.drop(url)


def fresh_file(path: Path, *, migrated: bool) -> str:
    """A SQLite database at this path, copied from one that was migrated once in this run."""
    if migrated and (template := sqlite_template()):
        for ending in ("", "-wal"):
            if template.with_name(template.name + ending).exists():
                shutil.copyfile(template.with_name(template.name + ending), f"{path}{ending}")
    return f"sqlite:///{path}"


def sqlite_template() -> Path | None:
    """The run's migrated SQLite file; None while there is no program to migrate with."""

    def make() -> dict[str, Any]:
        path = Path(os.environ[shared.FOLDER]) / "template.db"
        return {"path": str(path) if migrate(f"sqlite:///{path}") else None}

    path = shared.once("sqlite-template", make)["path"]
    return Path(path) if path else None


def postgres_template(server: PostgresServer) -> str:
    """The URL of the run's migrated PostgreSQL database, which every test's is copied from."""

    def make() -> dict[str, Any]:
        url = server.create()
        migrate(url)
        return {"url": url, "server": server.url}

    url: str = shared.once("postgres-template", make)["url"]
    return url


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the migrated database from a server that is not ours; ours vanishes as a whole."""
    if hasattr(config, "workerinput"):
        return
    note = Path(os.environ[shared.FOLDER]) / "postgres-template.json"
    if programs.PG_URL in os.environ and note.exists():
        template = json.loads(note.read_text())
        PostgresServer(template["server"]).drop(template["url"])


def migrate(url: str) -> bool:
    """Run `tallystick migrate` as an operator would; False where there is no program yet."""
    if importlib.util.find_spec("tallystick.cli") is None:
        return False
    done = subprocess.run(
        [sys.executable, "-m", "tallystick.cli", "migrate"],
        env=shared.plain_environment() | {"TALLYSTICK_DATABASE_URL": url},
        cwd=os.environ[shared.FOLDER],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"`tallystick migrate` failed on {url}:\n{done.stdout}{done.stderr}")
    return True
