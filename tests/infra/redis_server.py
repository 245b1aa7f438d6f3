"""A real Redis for the tests, one per test run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra import programs, shared


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a Redis server; tests share it, so they use keys and channels of their own."""
    return os.environ.get(programs.REDIS_URL) or str(shared.once("redis", start)["url"])


def start() -> dict[str, Any]:
    """Start the server on a free port, without any file, and wait until it answers."""
    folder = shared.new_folder("redis")
    port = shared.free_port()
    log = shared.log_file(folder.name)
    command = [
        str(programs.redis_server()), "--bind", "127.0.0.1", "--port", str(port),
        "--save", "", "--appendonly", "no", "--dir", str(folder),
    ]  # fmt: skip
    with log.open("wb") as output:
        keeper = shared.keep(
            command,
            folder=folder,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    shared.wait_until(lambda: answers(port), keeper, log)
    return {"url": f"redis://127.0.0.1:{port}/0", "keeper": keeper.pid, "folder": str(folder)}


def answers(port: int) -> bool:
    """Whether the server says PONG."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False


class OwnRedis:
    """A Redis of one's own, at a port that stays: to be killed, frozen and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = shared.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.pid = 0

    def start(self) -> None:
        """Let it run, whatever was done to it before."""
        if self.pid:
            os.kill(self.pid, signal.SIGCONT)
            return
        command = [
            str(programs.redis_server()), "--bind", "127.0.0.1", "--port", str(self.port),
            "--save", "", "--appendonly", "no", "--dir", str(self.folder),
        ]  # fmt: skip
        quiet = subprocess.DEVNULL
        self.keeper = shared.keep(command, stdin=quiet, stdout=quiet, stderr=quiet)
        shared.wait_until(lambda: answers(self.port), self.keeper, self.folder)
        self.pid = int(self.ask("INFO server").partition("process_id:")[2].split()[0])

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """No goodbye."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.keeper.wait()
            self.pid = 0

    def ask(self, command: str) -> str:
        """What it says to one command, up to a few kilobytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(65_536).decode()
