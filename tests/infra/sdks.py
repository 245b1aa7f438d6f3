"""Where the gateways' public SDKs are, each version in a folder of its own under `.tools/sdks`.

Two versions of one package cannot live in one environment, and the program needs none of them.
`tests/sdks/locks` pins each with its digests; `scripts/ensure_sdks.py` installs them.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from tests.infra.programs import ROOT, TOOLS, ProgramMissingError

LOCKS = ROOT / "tests/sdks/locks"
SDKS = Path(os.environ.get("TALLYSTICK_TEST_SDKS") or TOOLS / "sdks")
# All of Node's in one: no two versions of one package are among them.
NODE = "node"
NODE_LOCKS = (LOCKS / "package.json", LOCKS / "package-lock.json")


def names() -> list[str]:
    """Every Python SDK with its version, as its lock file is called, and Node's."""
    return [*sorted(lock.stem for lock in LOCKS.glob("*.lock")), NODE]


def locks(name: str) -> tuple[Path, ...]:
    """The files that pin this SDK."""
    return NODE_LOCKS if name == NODE else (LOCKS / f"{name}.lock",)


def fingerprint(name: str) -> str:
    """One line that changes with what is pinned, and with the Python that it is installed for."""
    digest = hashlib.sha256(sys.version.encode())
    for lock in locks(name):
        digest.update(lock.read_bytes())
    return digest.hexdigest()


def stamp(name: str) -> Path:
    """The file that says from which lock a folder was made."""
    return SDKS / name / ".made-for"


def sdk(name: str) -> Path:
    """The folder to import one SDK from. Raises ProgramMissingError."""
    if stamp(name).is_file() and stamp(name).read_text() == fingerprint(name):
        return SDKS / name
    raise ProgramMissingError(
        f"The tests need the public SDK {name} and did not find it as it is pinned. Run "
        "`.venv/bin/python scripts/ensure_sdks.py`, which installs what is missing; for Node's "
        "packages npm must be there."
    )


def every() -> Path:
    """The folder of all SDKs. Raises ProgramMissingError where one is missing."""
    for name in names():
        sdk(name)
    return SDKS
