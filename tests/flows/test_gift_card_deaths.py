"""Whoever dies between any two steps of settling and delivering loses and doubles nothing."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.infra import shared
from tests.test_tidy import ROOT


def test_a_plug_pulled_at_any_step_of_a_gift_card_ends_in_the_same_books(database_url, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.dying", database_url, str(tmp_path / "mail")],
        cwd=ROOT, env=shared.plain_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip

    told = re.fullmatch(r"steps (\d+) letters (\d+)\n", done.stdout)
    assert told, done.stdout + done.stderr
    steps, letters = map(int, told.groups())
    assert steps == letters
    assert steps > 60
