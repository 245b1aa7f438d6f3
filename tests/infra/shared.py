"""What one test run shares between its worker processes: servers that are started once.

The first worker that needs a server starts it under a file lock and writes down where it is; the
process that was started by hand (pytest itself) ends all of them after the last worker.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

FOLDER = "TALLYSTICK_TEST_SHARED"
KEEPER = Path(__file__).with_name("keeper.py")
STOP_WAIT_S = 20.0
# A wait ends as soon as the server is ready; on a busy machine that can take long.
START_S = 180.0
# What this process started. A worker leaves before the servers that it started for all of them.
KEEPERS: list[subprocess.Popen[bytes]] = []


def pytest_configure(config: pytest.Config) -> None:
    """Open the shared folder of this test run, in the process that owns the run."""
    if not hasattr(config, "workerinput"):
        keep_bytecode(config)
        folder = new_folder("run")
        (folder / "owner").write_text(str(os.getpid()))
        os.environ[FOLDER] = str(folder)


def keep_bytecode(config: pytest.Config) -> None:
    """Let every process of the run find compiled modules, and keep them for the next run.

    Where the environment forbids Python to write them, each of the hundreds of programs that the
    tests start would compile a thousand files again, which takes longer than all that it does.
    """
    if not sys.dont_write_bytecode or config.cache is None:
        return
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(config.cache.mkdir("bytecode"))
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop every server that this run started, and nothing else."""
    for keeper in KEEPERS:
        # Python warns of a child that is still there when its parent leaves; these are meant to.
        keeper.returncode = 0
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ.pop(FOLDER))
    for path in sorted(folder.glob("*.json")):
        note = json.loads(path.read_text())
        if "keeper" in note:
            stop(note["keeper"], Path(note["folder"]))
    shutil.rmtree(folder, ignore_errors=True)


def once(name: str, start: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `start` answers, called by the first worker only; a `keeper` in it is ended later."""
    folder = Path(os.environ[FOLDER])
    note = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            note.write_text(json.dumps(start()))
        answer: dict[str, Any] = json.loads(note.read_text())
        return answer


def is_first(name: str) -> bool:
    """Whether nobody in this run has asked for this name before."""
    try:
        (Path(os.environ[FOLDER]) / f"{name}.first").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def new_folder(purpose: str) -> Path:
    """A fresh folder that a server under another user can reach; pytest's own are private."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108
        if Path(place).is_dir() and is_reachable(Path(place)):
            return Path(tempfile.mkdtemp(prefix=f"tallystick-{purpose}-", dir=place))
    return Path(tempfile.mkdtemp(prefix=f"tallystick-{purpose}-"))


def log_file(name: str) -> Path:
    """Where a kept server writes; the file outlives the server's own folder."""
    return Path(os.environ[FOLDER]) / f"{name}.log"


def is_reachable(path: Path) -> bool:
    """Whether every user of the machine may enter the folder."""
    parts = [path.resolve(), *path.resolve().parents]
    return all(part.stat().st_mode & stat.S_IXOTH for part in parts)


def keep(
    command: list[str],
    *,
    folder: Path | None = None,
    farewell: signal.Signals = signal.SIGTERM,
    user: str = "-",
    **popen: Any,
) -> subprocess.Popen[bytes]:
    """Start a server that cannot outlive this test run."""
    owner = (Path(os.environ[FOLDER]) / "owner").read_text()
    words = [owner, str(folder or "-"), str(int(farewell)), user, *command]
    front = [sys.executable, "-S", "-E", str(KEEPER)]
    keeper = subprocess.Popen([*front, *words], start_new_session=True, **popen)
    KEEPERS.append(keeper)
    return keeper


def stop(keeper: int, folder: Path) -> None:
    """End a kept server from whichever process; its folder vanishes last."""
    try:
        os.kill(keeper, signal.SIGTERM)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + STOP_WAIT_S
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def plain_environment() -> dict[str, str]:
    """The environment without the settings that a developer has for a hub of their own."""
    ours = ("TALLYSTICK_", "ONEPAY_", "CRON_SECRET")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Ending(Protocol):
    """A process, whoever started it."""

    args: Any

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""


def wait_until(ready: Callable[[], bool], process: Ending, log: Path) -> None:
    """Wait for a server; where it ends instead, or takes minutes, fail with what it logged."""
    deadline = time.monotonic() + START_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-4000:]
            raise RuntimeError(f"{process.args!r} did not get ready. It logged:\n{tail}")
        time.sleep(0.05)
