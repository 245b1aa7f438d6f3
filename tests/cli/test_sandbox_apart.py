"""The code that can forge a notice is not in a process that handles money."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tallystick.cli import COMMANDS
from tallystick.cli.dev_keys import keys_file
from tallystick.sandbox.dev_secrets import DevSecrets
from tallystick.store.migrate import migrate
from tests.cli.conftest import PATIENCE_S, PRODUCTION, Running, environment_of, free_port
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


def ran(folder: Path, *words: str, **environment: str) -> list[str]:
    """What the program has imported when it has run with these words."""
    subprocess.run(
        [*PROGRAM, *words], cwd=folder, env=shared.plain_environment() | environment,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False,
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
    server = Running(
        tmp_path, ("serve", "--port", port), PRODUCTION | environment_of(database_url), PROGRAM
    )
    try:
        server.until("serves")
        hub = Client(lambda: f"http://127.0.0.1:{port}")
        assert hub.get("/health/ready").json["status"] == "ok"
        assert hub.get("/openapi.json").status == 200
        assert hub.post("/api/webhooks/sandbox").status == 404
    finally:
        left = server.leave(signal.SIGINT)

    assert left == 0
    assert "tallystick.web.app" in imported(tmp_path)
    assert of_the_sandbox(imported(tmp_path)) == []


@pytest.mark.server
@pytest.mark.sqlite_only
def test_a_worker_that_takes_money_has_imported_nothing_that_can_forge_a_notice(
    tmp_path, database_url
):
    worker = Running(tmp_path, ("work",), PRODUCTION | environment_of(database_url), PROGRAM)
    try:
        worker.until("Tallystick works")
    finally:
        left = worker.leave(signal.SIGINT)

    assert left == 0
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
