"""A real Redis for the tests, one per test run."""

from __future__ import annotations

import os
import socket
import subprocess
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
