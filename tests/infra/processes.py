"""Starts the program as a process: forked from one that has imported it, or by its name."""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.infra import shared
from tests.infra.fork_server import HEADER, Start

PROGRAM = "tallystick.cli"
SERVER = Path(__file__).with_name("fork_server.py")
# Python reads these when it starts, and never again.
READ_AT_THE_START = ("PYTHON", "LC_", "LANG", "LD_", "DYLD_", "COVERAGE_")


class Process:
    """A process that the fork server started, with what the tests ask of `subprocess.Popen`."""

    def __init__(self, args: list[str], pipe: int) -> None:
        self.args = args
        self.returncode: int | None = None
        self._pipe = open(pipe, "rb", buffering=0)  # noqa: SIM115 - closed when it is read
        self.pid = self._number()

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises TimeoutExpired."""
        if self.returncode is None:
            ended = select.poll()
            ended.register(self._pipe, select.POLLIN)
            if not ended.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = self._number()
            self._pipe.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to leave."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Pull the plug."""
        self.send_signal(signal.SIGKILL)

    def _number(self) -> int:
        line = self._pipe.readline()
        if not line:
            raise RuntimeError(f"The fork server ended. It wrote:\n{log().read_text()[-4000:]}")
        return int(line)


class ForkServer:
    """The process that forks, for the tests of this worker."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self.alone = threading.Lock()
        self.control, theirs = socket.socketpair()
        with log().open("wb") as output, theirs:
            self.process = subprocess.Popen(
                [sys.executable, str(SERVER), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def start(self, start: Start, files: list[int]) -> int:
        """Ask for a process; the pipe that tells its id, and later its exit code."""
        ours, theirs = os.pipe()
        body = json.dumps(asdict(start)).encode()
        with self.alone:
            socket.send_fds(self.control, [HEADER.pack(len(body))], [*files, theirs])
            self.control.sendall(body)
        os.close(theirs)
        return ours

    def is_like(self, environment: Mapping[str, str]) -> bool:
        """Whether a Python that starts with this environment is as the one that forks."""
        return told_at_the_start(environment) == told_at_the_start(self.environment)

    def end(self) -> None:
        """Let it end all that it has forked, and itself."""
        self.control.close()
        self.process.wait()


@functools.cache
def fork_server() -> ForkServer:
    """The one of this worker, from its first start on."""
    return ForkServer()


def log() -> Path:
    """Where the fork server of this worker writes."""
    return shared.log_file(f"fork-server-{os.getpid()}")


def told_at_the_start(environment: Mapping[str, str]) -> dict[str, str]:
    """What Python reads of an environment when it starts."""
    return {
        name: value for name, value in environment.items() if name.startswith(READ_AT_THE_START)
    }


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the fork server, where one was started."""
    if fork_server.cache_info().currsize:
        fork_server().end()
        fork_server.cache_clear()


def start(
    *words: str,
    folder: Path,
    environment: Mapping[str, str],
    stdout: Path,
    stderr: Path,
    module: str = PROGRAM,
    by_name: bool = False,
) -> Process:
    """Run a module as `python -m` does, with its output in two files.

    It is forked, unless the start itself matters and is `by_name`, or Python would be another one
    in this environment.
    """
    server = fork_server()
    alone = by_name or not server.is_like(environment)
    wanted = Start(module, list(words), str(folder), dict(environment), alone)
    with Path(os.devnull).open("rb") as nothing, stdout.open("wb") as out, stderr.open("wb") as err:
        pipe = server.start(wanted, [file.fileno() for file in (nothing, out, err)])
    return Process([module, *words], pipe)
