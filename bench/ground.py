"""What the benchmarks stand on: processes that end with us, and a durable PostgreSQL."""

import http.client
import json
import os
import platform
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.infra import postgres, programs, shared

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for this run; every server that was kept in it is ended before it goes."""
    place = Path(tempfile.mkdtemp(prefix="tallystick-bench-"))
    (place / "owner").write_text(str(os.getpid()))
    os.environ[shared.FOLDER] = str(place)
    try:
        yield place
    finally:
        for note in place.glob("*.json"):
            kept = json.loads(note.read_text())
            shared.stop(kept["keeper"], Path(kept["folder"]))
        for keeper in shared.KEEPERS:
            keeper.wait(shared.STOP_WAIT_S)
        shutil.rmtree(place, ignore_errors=True)


def durable_postgres() -> postgres.PostgresServer:
    """A cluster of our own that keeps all its promises: fsync, full pages, synchronous commit."""
    return postgres.PostgresServer(shared.once("postgres", lambda: postgres.start(()))["url"])


def pgbench() -> Path:
    """PostgreSQL's own load generator."""
    beside = programs.postgres_bin() / "pgbench"
    found = beside if beside.is_file() else Path(shutil.which("pgbench") or "")
    if not found.is_file():
        raise programs.ProgramMissingError(
            "The benchmark needs pgbench, which comes with PostgreSQL's server or its contrib."
        )
    return found


@contextmanager
def process(module: str, wish: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A server of ours, given one line of wishes; what it says once it is ready."""
    running = subprocess.Popen(
        [sys.executable, "-m", module], cwd=ROOT, env=environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        running.stdin.write(json.dumps(wish) + "\n")
        running.stdin.flush()
        line = running.stdout.readline()
        if not line:
            raise RuntimeError(f"{module} ended before it was ready.")
        yield json.loads(line)
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        running.stdin.close()
        running.stdout.close()


def ask(module: str, wish: dict[str, Any], timeout_s: float = 60) -> dict[str, Any]:
    """Run a program of ours to its end: one line of wishes in, one line of figures out."""
    done = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, env=environment(), text=True, check=True,
        input=json.dumps(wish) + "\n", stdout=subprocess.PIPE, timeout=timeout_s,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def environment() -> dict[str, str]:
    """Without the settings that a developer has for a hub of their own."""
    return shared.plain_environment()


@contextmanager
def at_rest(*pids: int) -> Iterator[None]:
    """Let these processes stand still, so that they take nothing from what is measured."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def awake(pid: int) -> Iterator[None]:
    """Let one of them go on for a while."""
    os.kill(pid, signal.SIGCONT)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGSTOP)


def post(port: int, path: str, wish: dict[str, Any]) -> Any:
    """Ask a server of ours for something that only the benchmarks have."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, json.dumps(wish), {"content-type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def timed_get(port: int, path: str) -> tuple[int, float]:
    """Ask for something over a connection of its own: the status, and milliseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, (time.perf_counter() - began) * 1000


def cpu_s(pid: int) -> float:
    """Processor time that a process has used so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_bytes(pid: int) -> int:
    """What a process really holds: shared pages count by their share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


def machine() -> dict[str, Any]:
    """Where this was measured."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.machine(),
    )  # fmt: skip
    told = subprocess.run(
        [programs.postgres_bin() / "postgres", "--version"], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    names = ("tallystick", "uvicorn", "uvloop", "httptools", "sqlalchemy", "asyncpg", "starlette")
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgresql": told.stdout.split()[2],
        **{name: version(name) for name in names},
    }
