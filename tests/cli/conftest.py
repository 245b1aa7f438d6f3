"""Runs `tallystick` as a process: to its end, or until the test has seen enough."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.infra import processes, shared

PROGRAM = [sys.executable, "-m", "tallystick.cli"]
PATIENCE_S = 240
# What `serve` needs. The gateway is never called: nobody pays here.
PRODUCTION = {
    "TALLYSTICK_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "TALLYSTICK_BASE_URL": "https://pay.example.com",
    "TALLYSTICK_PAYOS_CLIENT_ID": "client",
    "TALLYSTICK_PAYOS_API_KEY": "key",
    "TALLYSTICK_PAYOS_CHECKSUM_KEY": "checksum",
    "CRON_SECRET": "a cron secret that is long enough",
}
Run = Callable[..., subprocess.CompletedProcess[str]]


def start(
    words: tuple[str, ...], folder: Path, environment: dict[str, str], said: Path, log: Path
) -> processes.Process:
    """Start the program; by its name where this is the first start of the command in this run.

    What a command imports is tried only then: a forked one finds everything imported.
    """
    return processes.start(
        *words, folder=folder, environment=shared.plain_environment() | environment,
        stdout=said, stderr=log, by_name=shared.is_first(f"command-{words[0].strip('-')}"),
    )  # fmt: skip


@pytest.fixture
def tallystick(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the program in the test's folder: `tallystick("keys", "list", TALLYSTICK_X="y")`."""
    # Not in the test's folder, in which some tests look for what the program wrote.
    output = tmp_path_factory.mktemp("output")

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        said, log = (output / f"{name}.txt" for name in ("stdout", "stderr"))
        process = start(words, tmp_path, environment, said, log)
        try:
            code = process.wait(PATIENCE_S)
        finally:
            process.kill()
            process.wait()
        return subprocess.CompletedProcess(words, code, said.read_text(), log.read_text())

    return run


class Running:
    """A program that goes on until it is told to leave."""

    def __init__(self, folder: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
        self.said = folder / "said.txt"
        self.log = folder / "log.txt"
        self.process = start(words, folder, environment, self.said, self.log)

    def until(self, words: str) -> str:
        """Everything that it has said, once these words are in it."""
        shared.wait_until(lambda: words in self.said.read_text(), self.process, self.log)
        return self.said.read_text()

    def leave(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code, after this signal."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts programs that go on; ends them with the test."""
    started: list[Running] = []

    def start(*words: str, **environment: str) -> Running:
        folder = tmp_path / f"running-{len(started) + 1}"
        folder.mkdir()
        started.append(Running(folder, words, environment))
        return started[-1]

    yield start
    for one in started:
        one.leave()


def lines(text: str) -> list[str]:
    """The lines that say something."""
    return [line for line in text.splitlines() if line.strip()]


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a refusal writes, on standard error, with exit code 1."""
    assert done.returncode == 1, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    (line,) = lines(done.stderr)
    return line


def free_port() -> str:
    """A port that nobody listens on now, as a word."""
    return str(shared.free_port())


def environment_of(url: str) -> dict[str, str]:
    """The environment that names a database."""
    return {"TALLYSTICK_DATABASE_URL": url, "HOME": os.environ.get("HOME", "/")}
