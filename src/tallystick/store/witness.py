"""A witness beside a SQLite file: the head of the proof as it was last committed.

What is committed may be gone after a crash whose disk had lied, and the chain with it: then the
file knows of a link that the database does not have.
"""

import os
import secrets
from pathlib import Path

from sqlalchemy import Connection

from tallystick.domain.errors import Invalid
from tallystick.domain.proof_chain import Head
from tallystick.store import proof_chain

ENDING = ".head"


def place(tx: Connection) -> Path | None:
    """Where the witness of this database is; None for one without a file."""
    if tx.dialect.name != "sqlite":
        return None
    files = [row[2] for row in tx.exec_driver_sql("PRAGMA database_list") if row[1] == "main"]
    return Path(files[0] + ENDING) if files and files[0] else None


def contradicts(tx: Connection) -> str | None:
    """One sentence where the witness knows of what the database does not have, or None."""
    path = place(tx)
    told = None if path is None else _read(path)
    if path is None or told is None:
        return None
    try:
        known = Head.read(told)
    except Invalid:
        # A machine that went down while it was written; the next link mends it.
        return None
    if proof_chain.has(tx, known):
        return None
    return (
        f"{path.name} has seen link {known.links} ({known.hash[:12]}) of the proof, and the chain "
        f"ends at link {proof_chain.head(tx).links} without it: rows that were acknowledged are "
        "gone. Ask the gateways with `tallystick reconcile`, or restore a backup; then remove "
        f"{path.name}"
    )


def set_aside(tx: Connection) -> Path | None:
    """Where the database has nothing to prove yet, a witness beside it speaks of another one.

    Returns where that is kept now, or None where there was none.
    """
    path = place(tx)
    if path is None or not path.exists() or not proof_chain.is_empty(tx):
        return None
    return path.replace(path.with_name(path.name + ".old"))


def write(path: Path, head: Head) -> None:
    """Keep the head that is committed now, readable by its owner alone."""
    # Named for this one alone: the worker and a run of `audit` may write theirs at once.
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, f"{head}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)
    fresh.replace(path)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (FileNotFoundError, PermissionError):
        return None
