"""What a terminal shows: QR codes, and paths and commands as a person would type them."""

import os
import sys
from io import StringIO
from pathlib import Path
from shutil import which

_DARK_ON_LIGHT = "\033[40;97m"
_PLAIN = "\033[0m"


def qr(payload: str, *, coloured: bool | None = None) -> str:
    """The payload as a QR code in half blocks, dark on light whatever the terminal's theme."""
    import segno

    drawn = StringIO()
    segno.make_qr(payload, error="m", boost_error=False).terminal(drawn, border=2, compact=True)
    lines = drawn.getvalue().splitlines()
    if sys.stdout.isatty() if coloured is None else coloured:
        lines = [f"{_DARK_ON_LIGHT}{line}{_PLAIN}" for line in lines]
    return "\n".join(f"  {line}" for line in lines)


def program() -> str:
    """How this program is called from here."""
    called = Path(sys.argv[0])
    if called.name != "tallystick":
        return f"{here(Path(sys.executable))} -m tallystick.cli"
    found = which("tallystick")
    return "tallystick" if found and Path(found).samefile(called) else here(called)


def here(path: Path) -> str:
    """The path as seen from the current folder, where that is shorter."""
    near = os.path.relpath(path.absolute())
    return str(path.absolute()) if near.startswith("..") else near
