"""What README.md tells a newcomer to paste works when it is pasted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra import shared
from tests.test_tidy import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh test\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PATIENCE_S = 110


def pasted(block: str, server, folder: Path) -> str:
    """What a shell says to the block, in a checkout where the demo runs."""
    programs = folder / ".venv"
    if not programs.exists():
        programs.symlink_to(Path(sys.executable).parents[1])
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", block.replace("http://127.0.0.1:8787", server.url)],
        cwd=folder, env=shared.plain_environment() | {"TALLYSTICK_DATABASE_URL": server.database},
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_first_payment_of_the_readme_is_paid(live_server, tmp_path):
    (block,) = BLOCKS

    said = pasted(block, live_server(), tmp_path)

    assert '"currentStatus":"PAID"' in said
    assert "is paid (exact), because:" in said
    assert '"type"' not in said, "A problem came back."


def test_the_first_payment_fits_on_a_screen():
    (block,) = BLOCKS

    assert len([line for line in block.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("words", re.findall(r"\.venv/bin/tallystick (\S+)", README))
def test_the_commands_that_the_readme_names_are_there(words):
    from typer.main import get_command

    from tallystick.cli import app

    assert words in get_command(app).commands  # type: ignore[attr-defined]
