"""Runs `tallystick` as a process: to its end, or until the test has seen enough."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.infra import shared

HERE = Path(__file__).parent
PROGRAM = [sys.executable, "-m", "tallystick.cli"]
PATIENCE_S = 110
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here starts the program."""
    for item in items:
        if HERE in item.path.parents and "tallystick" in getattr(item, "fixturenames", ()):
            item.add_marker("server")


@pytest.fixture
def tallystick(tmp_path: Path) -> Run:
    """Runs the program in the test's folder: `tallystick("keys", "list", TALLYSTICK_X="y")`."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *words], cwd=tmp_path, env=shared.plain_environment() | environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip

    return run


class Running:
    """A program that goes on until it is told to leave."""

    def __init__(self, folder: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
        self.said = folder / "said.txt"
        self.log = folder / "log.txt"
        with self.said.open("wb") as said, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*PROGRAM, *words], cwd=folder, env=shared.plain_environment() | environment,
                stdin=subprocess.DEVNULL, stdout=said, stderr=log,
            )  # fmt: skip

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
