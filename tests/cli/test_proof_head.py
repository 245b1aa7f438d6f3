"""A person looks for a head of the proof that was kept elsewhere."""

from __future__ import annotations

from tests.cli.conftest import environment_of


def test_a_head_from_the_log_that_is_not_in_the_chain_is_told(tallystick, database_url):
    done = tallystick("audit", "--head", "57-0a1b2c3d4e5f", **environment_of(database_url))

    assert done.returncode == 1, done.stderr
    assert "H1: " in done.stdout
    assert "Link 57 of the proof is not 0a1b2c3d4e5f" in done.stdout
