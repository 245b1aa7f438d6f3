#!/usr/bin/env python3
"""Make `.venv` from the lock files: `setup.py` for the program, `setup.py dev` for tests too.

Runs with any Python 3.7 or newer, from which it finds a 3.11; a second run with nothing changed
returns at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 11)
NEWER = ("python3.13", "python3.12", "python3.11", "python3.14")
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
INPUTS = ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "requirements-uv.lock")


def main() -> None:
    """Choose a Python, then install what is missing."""
    with_tools = "dev" in sys.argv[1:]
    if sys.version_info < OLDEST:
        start_again_with_a_newer_python()
    with one_at_a_time():
        if not is_current(with_tools):
            install(with_tools)


def start_again_with_a_newer_python() -> None:
    """Replace this process by the first Python on PATH that is new enough."""
    for name in NEWER:
        newer = shutil.which(name)
        # Some of these names are only shims of a version manager, and answer with an error.
        if newer and try_run([newer, "-c", "import venv"], aloud=False):
            os.execv(newer, [newer, __file__, *sys.argv[1:]])  # noqa: S606 - no shell is meant
    version = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(
        "Tallystick needs Python 3.11 or newer; this is Python " + version + ".\n"
        "Install one, or name it: make setup PYTHON=/path/to/python3.11"
    )


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let two `make` commands in two windows wait for each other."""
    with (ROOT / ".setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_current(with_tools: bool) -> bool:
    """Whether `.venv` was made from the files as they are now."""
    wanted = fingerprint()
    return any(
        stamp(kind).is_file() and stamp(kind).read_text() == wanted and PYTHON.exists()
        for kind in (("dev",) if with_tools else ("dev", "runtime"))
    )


def stamp(kind: str) -> Path:
    """The file that says from which inputs `.venv` was made."""
    return VENV / f".made-for-{kind}"


def fingerprint() -> str:
    """One line that changes with every input, and when the checkout moves."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in (*INPUTS, "scripts/setup.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def install(with_tools: bool) -> None:
    """Fill `.venv` with exactly the locked packages, then with this checkout itself."""
    make_venv()
    kind = "dev" if with_tools else "runtime"
    lock = "requirements-dev.lock" if with_tools else "requirements.lock"
    say(f"Installing the packages of {lock}")
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    uv = [str(VENV / "bin" / "uv"), "pip"]
    locked = ["install", "--quiet", "--require-hashes", "-r"]
    if not (try_run([*pip, *locked, "requirements-uv.lock"]) and try_run([*uv, *locked, lock])):
        # A mirror or a certificate that only pip knows, or a platform without uv.
        say("Once more with pip, which takes longer")
        run([*pip, *locked, lock])
    run([*pip, "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", "."])
    for other in ("runtime", "dev"):
        stamp(other).unlink(missing_ok=True)
    stamp(kind).write_text(fingerprint())
    say("Ready: .venv/bin/tallystick")


def make_venv() -> None:
    """Create `.venv`, anew where it belongs to another place or an older Python."""
    if PYTHON.exists() and venv_fits():
        return
    version = ".".join(str(part) for part in sys.version_info[:3])
    say(f"Making .venv with Python {version}")
    shutil.rmtree(VENV, ignore_errors=True)
    if try_run([sys.executable, "-m", "venv", str(VENV)]):
        return
    # Debian and Ubuntu cut the venv module out of Python into a package of its own.
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Installing {package}")
        try_run(["apt-get", "update", "-qq"])
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package])
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        return
    shutil.rmtree(VENV, ignore_errors=True)
    sys.exit(f"Python's venv module is not complete. Mend it: sudo apt-get install {package}")


def venv_fits() -> bool:
    """Whether the interpreter in `.venv` starts, is new enough and was made for this folder."""
    probe = "import sys; print(sys.prefix, sys.version_info >= (3, 11))"
    answer = subprocess.run([PYTHON, "-c", probe], capture_output=True, text=True, check=False)
    activate = VENV / "bin" / "activate"
    return (
        answer.stdout.strip() == f"{VENV} True"
        and activate.is_file()
        and str(VENV) in activate.read_text()
    )


def run(command: list[str]) -> None:
    """Run a command in the checkout; end the set-up where it fails."""
    if not try_run(command):
        sys.exit(f"Set-up stopped: this command failed: {' '.join(command)}")


def try_run(command: list[str], aloud: bool = True) -> bool:
    """Run a command in the checkout and say whether it worked; show what a failed one said."""
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV), "DEBIAN_FRONTEND": "noninteractive"}
    # The certificates that the machine trusts, as every other program on it uses them.
    for name, value in (("UV_SYSTEM_CERTS", "true"), ("UV_LINK_MODE", "copy")):
        environment.setdefault(name, value)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 and aloud:
        print((done.stdout + done.stderr)[-3000:], file=sys.stderr, flush=True)
    return done.returncode == 0


def say(line: str) -> None:
    """Tell the person what takes time now."""
    print(f"· {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
