"""Write the four lock files from pyproject.toml, for every platform and every Python from 3.11 on.

They carry hashes and no address of any index, so the same files serve behind a mirror.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv" / "bin" / "uv"
COMPILE = (
    "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
    "--generate-hashes", "--no-emit-index-url", "--no-header",
)  # fmt: skip
LOCKS = {
    "requirements-uv.lock": ("--group", "installer"),
    "requirements-generators.lock": ("--group", "generators"),
    "requirements.lock": ("pyproject.toml", "--group", "build"),
    # The tests must run what the program ships with.
    "requirements-dev.lock": (
        "pyproject.toml", "--group", "build", "--group", "dev",
        "--constraints", "requirements.lock",
    ),
}  # fmt: skip


def main() -> None:
    """Compile each lock file; `--keep` changes only what pyproject.toml no longer allows."""
    upgrade = () if "--keep" in sys.argv[1:] else ("--upgrade",)
    for name, inputs in LOCKS.items():
        command = [UV, *COMPILE, *upgrade, *inputs, "--output-file", name]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        text = (ROOT / name).read_text()
        if re.search(r"https?://|--(extra-)?index-url|--find-links", text):
            sys.exit(f"{name} names an address; a lock file must not.")
        print(f"{name}: {len(re.findall(r'^[a-z0-9].*==', text, re.MULTILINE))} packages")


if __name__ == "__main__":
    main()
