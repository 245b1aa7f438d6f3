"""What an operator installs is what we tested: the wheel has every file of the package."""

from __future__ import annotations

import subprocess
import sys
import zipfile

from tests.test_tidy import ROOT


def test_the_wheel_carries_every_file_of_the_package(tmp_path):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src/tallystick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    ours = {name.removeprefix("src/") for name in listed if (ROOT / name).is_file()}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]

    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
        metadata = archive.read(
            next(name for name in carried if name.endswith(".dist-info/METADATA"))
        ).decode()
    assert ours <= carried, f"Not in the wheel: {sorted(ours - carried)}"
    assert "License-Expression: Apache-2.0" in metadata
