"""The code that can forge a notice is not in a process that handles money."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tallystick.cli import COMMANDS
from tallystick.cli.dev_keys import keys_file
from tallystick.sandbox.dev_secrets import DevSecrets
from tallystick.store.migrate import migrate
from tests.cli.conftest import PATIENCE_S, PRODUCTION, environment_of, free_port
from tests.infra import shared
from tests.infra.live import Client

SANDBOX = "tallystick.sandbox"
# The program, which at its end writes what it has imported into a file of its folder.
PROGRAM = [sys.executable, "-c", """
import atexit, json, pathlib, sys
from tallystick.cli import main
atexit.register(lambda: pathlib.Path("modules.json").write_text(json.dumps(sorted(sys.modules))))
main()
"""]  # fmt: skip
FOR_PRODUCTION = sorted(name for name, place in COMMANDS.items() if SANDBOX not in place)


@contextmanager
def started(
    folder: Path, command: str, *words: str, ready: str, environment: dict[str, str]
) -> Iterator[None]:
    """The program as a process of its own, from when it has said `ready` until Ctrl-C ends it."""
    said, log = folder / "said.txt", folder / "log.txt"
    with said.open("wb") as output, log.open("wb") as errors:
        process = subprocess.Popen(
            [*PROGRAM, command, *words], cwd=folder,
            env=shared.plain_environment() | PRODUCTION | environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=errors,
        )  # fmt: skip
    try:
        shared.wait_until(lambda: ready in said.read_text(), process, log)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0


def ran(folder: Path, *words: str) -> list[str]:
    """What the program has imported when it has run with these words."""
    subprocess.run(
        [*PROGRAM, *words], cwd=folder, env=shared.plain_environment(), stdin=subprocess.DEVNULL,
        capture_output=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return imported(folder)


def imported(folder: Path) -> list[str]:
    """The modules that a program has left behind in its folder, without those of libraries."""
    every: list[str] = json.loads((folder / "modules.json").read_text())
    return [name for name in every if name.partition(".")[0] == "tallystick"]


def of_the_sandbox(modules: list[str]) -> list[str]:
    """Those that play gateways, payers and clocks."""
    return [name for name in modules if name == SANDBOX or name.startswith(f"{SANDBOX}.")]


@pytest.mark.server
@pytest.mark.sqlite_only
def test_a_server_that_takes_money_has_imported_nothing_that_can_forge_a_notice(
    tmp_path, database_url
):
    port = free_port()
    hub = Client(lambda: f"http://127.0.0.1:{port}")
    environment = environment_of(database_url)

    with started(tmp_path, "serve", "--port", port, ready="serves on", environment=environment):
        ready, described = hub.get("/health/ready"), hub.get("/openapi.json")
        played = hub.post("/api/webhooks/sandbox")

    assert (ready.status, described.status, played.status) == (200, 200, 404)
    assert "tallystick.web.app" in imported(tmp_path)
    assert of_the_sandbox(imported(tmp_path)) == []


@pytest.mark.server
@pytest.mark.sqlite_only
def test_a_worker_that_takes_money_has_imported_nothing_that_can_forge_a_notice(
    tmp_path, database_url
):
    environment = environment_of(database_url)

    with started(tmp_path, "work", ready="Tallystick works", environment=environment):
        pass

    assert "tallystick.worker" in imported(tmp_path)
    assert of_the_sandbox(imported(tmp_path)) == []


@pytest.mark.parametrize("command", ["audit", "doctor"])
def test_a_look_at_a_development_database_needs_no_simulator(tmp_path, command):
    url = f"sqlite:///{tmp_path / 'tried.db'}"
    asyncio.run(migrate(url))
    DevSecrets.at(keys_file(url))

    modules = ran(tmp_path, command, "--database", url)

    assert "tallystick.store.database" in modules
    assert of_the_sandbox(modules) == []


def test_no_command_of_production_imports_the_sandbox_to_be_found():
    code = (
        "import json, sys; from tallystick.cli import app; from typer.main import get_command;"
        f"every = get_command(app).commands; [every[name] for name in {FOR_PRODUCTION}];"
        "print(json.dumps([name for name in sys.modules if name.startswith('tallystick.sandbox')]))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert json.loads(done.stdout) == []
    assert {"serve", "work", "audit", "why"} <= set(FOR_PRODUCTION)
