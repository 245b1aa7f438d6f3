"""Whoever dies between any two steps of settling and delivering loses and doubles nothing."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.infra import shared
from tests.test_tidy import ROOT


@pytest.mark.slow
def test_a_plug_pulled_at_any_step_of_a_gift_card_ends_in_the_same_books(database_url, tmp_path):
    # A new connection to PostgreSQL takes longer than the rest.
    stride = "1" if database_url.startswith("sqlite") else "4"
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.dying", database_url, str(tmp_path / "mail"), stride],
        cwd=ROOT, env=shared.plain_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip

    told = re.fullmatch(r"deaths (\d+) letters (\d+)\n", done.stdout)
    assert told, done.stdout + done.stderr
    deaths, letters = map(int, told.groups())
    assert deaths == letters
    assert deaths > 20
