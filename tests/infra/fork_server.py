"""Has the whole program imported, and forks a process for each start that a test asks for.

`fork_server.py CONTROL` reads requests from the socket CONTROL: a length, the JSON of a `Start` and
four files with it, which are the standard ones of the new process and a pipe. Into that goes the
process's id, and when it has ended its exit code, each on a line. When the socket ends, every
process is ended, and this one too.

A start costs two seconds of imports otherwise, and there are hundreds in a test run. The process is
as one that was started by its name: it runs the module as `python -m` does and ends as a program
ends; it has its own session, folder, environment and files, and no thread, signal handler, event
loop or socket of ours. A start that is `by_name` imports everything itself, as a person's does.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from dataclasses import dataclass

HEADER = struct.Struct("!I")
# More files than this process ever has open.
FILES = 256
PATIENCE_S = 10.0
# What the program imports when it needs it, beside its own modules.
LATER = (
    "uvloop", "uvicorn", "uvicorn.protocols.http.httptools_impl", "aiohttp", "alembic.command",
    "asyncpg", "babel.dates", "jinja2", "jwt", "redis.asyncio", "segno",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Start:
    """What is to be run, and where."""

    module: str
    words: list[str]
    folder: str
    environment: dict[str, str]
    by_name: bool


def import_program() -> None:
    """Import every module of the program, as its servers do it, and let them be shared."""
    from tallystick.cli.running import quick_start

    quick_start()
    package = importlib.import_module("tallystick")
    for module in pkgutil.walk_packages(package.__path__, "tallystick."):
        if not {"__main__", "migrations"} & set(module.name.split(".")):
            importlib.import_module(module.name)
    for name in LATER:
        importlib.import_module(name)
    gc.collect()
    # Collecting would write to every object, and so copy what the processes share.
    gc.freeze()
    gc.enable()


def serve(control: socket.socket) -> Start | None:
    """Fork for each request; answers in the forked process, and None when there are no more."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    children: dict[int, int] = {}
    while True:
        readable, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in readable:
            os.read(woken, 4096)
            bury(children)
        if control.fileno() in readable:
            asked = receive(control)
            if asked is None:
                end_all(children)
                return None
            start, files = asked
            child = os.fork()
            if child == 0:
                become(start, files)
                return start
            for file in files[:3]:
                os.close(file)
            children[child] = files[3]
            tell(files[3], child)


def receive(control: socket.socket) -> tuple[Start, list[int]] | None:
    """The next request with its files; None when nobody can ask any more."""
    head, files, _, _ = socket.recv_fds(control, HEADER.size, 4)
    if not head:
        return None
    (length,) = HEADER.unpack(head)
    body = b""
    while len(body) < length:
        body += control.recv(length - len(body))
    return Start(**json.loads(body)), files


def become(start: Start, files: list[int]) -> None:
    """Be a new process: nothing of this one's is left but its modules."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for standard, file in enumerate(files[:3]):
        os.dup2(file, standard)
    os.closerange(3, FILES)
    os.chdir(start.folder)
    os.environ.clear()
    os.environ.update(start.environment)
    time.tzset()
    tempfile.tempdir = None
    sys.argv = [start.module, *start.words]
    sys.path[0] = start.folder


def run(start: Start) -> None:
    """Run the module to its end."""
    if start.by_name:
        # Python ignores it for itself; a program that it starts would go on to.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, "-m", start.module, *start.words])  # noqa: S606 - no shell is wanted
    runpy.run_module(start.module, run_name="__main__", alter_sys=True)


def tell(pipe: int, number: int) -> None:
    """Write one line to whoever asked; they may be gone."""
    try:
        os.write(pipe, f"{number}\n".encode())
    except BrokenPipeError:
        return


def bury(children: dict[int, int]) -> None:
    """Pass on the exit code of each process that has ended."""
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        pipe = children.pop(pid)
        tell(pipe, os.waitstatus_to_exitcode(status))
        os.close(pipe)


def end_all(children: dict[int, int]) -> None:
    """Ask every process to leave, and insist after a while."""
    for child in children:
        os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    while children and time.monotonic() < deadline:
        bury(children)
        time.sleep(0.02)
    for child in children:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    # The folder of this file, which no program has on its path.
    sys.path[0] = ""
    # It is ignored where the test run was sent to the background, and would be in every program.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import_program()
    if (wanted := serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        # Here, so that what Python does at the end of a program is done at the end of this one.
        run(wanted)
