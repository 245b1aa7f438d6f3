"""A program that says how it was started, so that two ways to start one can be compared.

`mirror.py FILE [HOW]` writes to FILE what it sees, and then leaves as HOW says: `3` with that exit
code, `raise` with an exception, `wait` when it is told to.
"""

import asyncio
import gc
import json
import locale
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD)


def seen() -> dict[str, Any]:
    """All that may depend on who started this."""
    return {
        "words": sys.argv[1:],
        "module": __name__,
        "file": sys.argv[0],
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "first on the path": sys.path[0],
        "leads its session": os.getsid(0) == os.getpgid(0) == os.getpid(),
        "threads": threading.active_count(),
        "signals": [str(signal.getsignal(one)) for one in SIGNALS],
        "wakes": signal.set_wakeup_fd(-1),
        "open files": len(list(Path("/dev/fd").iterdir())),
        "output": [sys.stdout.line_buffering, sys.stderr.line_buffering, sys.stdout.encoding],
        "collects": gc.isenabled(),
        "loop": asyncio._get_running_loop() is not None,
        "temporary": tempfile.gettempdir(),
        "zone": time.tzname,
        "locale": locale.getlocale(),
        "umask": os.umask(0o22),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(seen()))
    how = (sys.argv[2:] or ["0"])[0]
    if how == "raise":
        raise ValueError("This program was told to fail.")
    if how == "wait":
        sys.stdout.write("I wait.\n")
        sys.stdout.flush()
        signal.pause()
    sys.exit(int(how))
