"""Runs one server for the tests and ends it when the test run is gone, even if that was killed.

`keeper.py OWNER_PID FOLDER_OR_DASH SIGNAL USER_OR_DASH command …` stays in front of the command: a
SIGTERM to the keeper is passed on as SIGNAL, and the folder is removed at the end.
It uses the standard library alone, because it starts with `python -S`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any

LOOK_EVERY_S = 1.0
PATIENCE_S = 10


def main(owner: int, folder: str, farewell: int, user: str, command: list[str]) -> int:
    """Start the command, wait for its end, clean up."""
    child = subprocess.Popen(command, **identity(user))

    def pass_on(*_: object) -> None:
        signal.alarm(PATIENCE_S)
        child.send_signal(farewell)

    for received in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(received, pass_on)
    signal.signal(signal.SIGALRM, lambda *_: child.kill())
    threading.Thread(target=leave_with, args=(owner,), daemon=True).start()
    child.wait()
    if folder != "-":
        shutil.rmtree(folder, ignore_errors=True)
    return child.returncode


def identity(user: str) -> dict[str, Any]:
    """Arguments that make the command run as another user; none for a dash."""
    if user == "-":
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def leave_with(owner: int) -> None:
    """End this process as soon as the owner no longer exists."""
    with contextlib.suppress(PermissionError):
        while True:
            try:
                os.kill(owner, 0)
            except ProcessLookupError:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5:]))
