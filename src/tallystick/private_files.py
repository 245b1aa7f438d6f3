"""Files that their owner alone may read: the database, what stands beside it, secrets of `dev`."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

COMPANIONS: Final = ("", "-wal", "-shm", "-journal")
"""What SQLite keeps beside a database, and the database itself."""

_OWNER_ALONE: Final = 0o600


def narrow(path: Path) -> None:
    """Let nobody but its owner in; nothing where it is not there, or belongs to somebody else."""
    with suppress(OSError):
        if stat.S_IMODE(path.stat().st_mode) & 0o177:
            path.chmod(_OWNER_ALONE)


def make_private(database: Path) -> None:
    """Make a SQLite file before SQLite does, which asks the umask; narrow one that is there.

    Companions that SQLite makes later get the mode of the file.
    """
    # Only where it is not there: to open and close a file that SQLite has open in this process
    # would let its locks go (sqlite.org/howtocorrupt.html, section 2.2).
    with suppress(OSError):
        os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_RDWR, _OWNER_ALONE))
    for ending in COMPANIONS:
        narrow(database.with_name(database.name + ending))
