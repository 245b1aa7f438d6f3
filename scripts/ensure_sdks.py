"""Install the gateways' public SDKs that the tests run, each into a folder of its own.

`make test` calls it. What is there as its lock file says is left alone. `--lock` writes the lock
files anew, for the versions that their names say: rename one to move to another version.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.infra import programs, sdks  # noqa: E402 - it is importable from here on only

PYTHON = ROOT / ".venv/bin/python"
UV = ROOT / ".venv/bin/uv"
COMPILE = (
    "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
    "--no-emit-index-url", "--no-header", "--no-annotate", "-", "--output-file",
)  # fmt: skip
WITHOUT_SCRIPTS = ("--ignore-scripts", "--no-audit", "--no-fund")


def main() -> None:
    """Install what is missing; end with 1 where that failed."""
    if "--lock" in sys.argv[1:]:
        lock()
    install_missing()
    try:
        sdks.every()
    except programs.ProgramMissingError as missing:
        sys.exit(str(missing))


def install_missing() -> None:
    """Install every SDK that is not there as its lock file says."""
    for name in sdks.names():
        try:
            sdks.sdk(name)
        except programs.ProgramMissingError:
            install(name)


def install(name: str) -> None:
    """Make one folder anew; it is stamped only when all is in it."""
    print(f"· Installing the SDK {name}", file=sys.stderr, flush=True)
    target = sdks.SDKS / name
    sdks.SDKS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=sdks.SDKS) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        if not (node_into(made) if name == sdks.NODE else python_into(made, name)):
            return
        (made / ".made-for").write_text(sdks.fingerprint(name))
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)


def python_into(made: Path, name: str) -> bool:
    """Install one Python SDK with its pinned dependencies, and nothing that has to be built."""
    # What of uv's and pip's options is the same.
    wish = ["install", "--quiet", "--target", str(made), "--require-hashes", "--no-deps"]
    source = ["-r", str(sdks.locks(name)[0])]
    uv = [str(UV), "pip", *wish, "--no-build", "--python", str(PYTHON), *source]
    pip = [str(PYTHON), "-m", "pip", *wish, "--only-binary", ":all:", *source]
    # A mirror or a certificate that only pip knows.
    return succeeds(uv) or succeeds([*pip, "--disable-pip-version-check"])


def node_into(made: Path) -> bool:
    """Install Node's SDKs; no package may run a script of its own."""
    if not shutil.which("npm"):
        return False
    for path in sdks.NODE_LOCKS:
        shutil.copy(path, made / path.name)
    return succeeds(["npm", "ci", "--silent", *WITHOUT_SCRIPTS], made)


def lock() -> None:
    """Pin each SDK with all that it needs; no address of any index stands in the files."""
    for name in sdks.names():
        if name == sdks.NODE:
            wish = ["install", "--package-lock-only", "--omit-lockfile-registry-resolved"]
            subprocess.run(["npm", *wish, *WITHOUT_SCRIPTS], cwd=sdks.LOCKS, check=True)
            continue
        package, _, version = name.rpartition("-")
        (path,) = sdks.locks(name)
        command = [str(UV), *COMPILE, str(path)]
        subprocess.run(
            command, input=f"{package}=={version}", text=True, check=True, stdout=subprocess.DEVNULL
        )
        if re.search(r"https?://|--(extra-)?index-url|--find-links", path.read_text()):
            sys.exit(f"{path.name} names an address; a lock file must not.")


def succeeds(command: list[str], folder: Path = ROOT) -> bool:
    """Run a command quietly; on failure show the end of what it said and go on."""
    environment = {**os.environ}
    # The certificates that the machine trusts, as every other program on it uses them.
    for name, value in (("UV_SYSTEM_CERTS", "true"), ("UV_LINK_MODE", "copy")):
        environment.setdefault(name, value)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print((done.stdout + done.stderr)[-1500:], file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    main()
