"""No command touches a database in a state that this version does not know."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.cli.conftest import PRODUCTION, free_port, refused
from tests.store.merchants import within


@pytest.fixture
async def newer(database_url):
    """A database that a newer version has migrated."""
    await within(
        database_url, lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9000'"))
    )
    return database_url


async def test_every_command_says_in_one_line_what_to_do_with_a_newer_database(tallystick, newer):
    environment = {**PRODUCTION, "TALLYSTICK_DATABASE_URL": newer}

    told = [
        refused(tallystick("serve", "--port", free_port(), **environment)),
        refused(tallystick("work", **environment)),
        refused(tallystick("dev", "--port", free_port(), TALLYSTICK_DATABASE_URL=newer)),
        refused(tallystick("migrate", TALLYSTICK_DATABASE_URL=newer)),
        refused(tallystick("audit", TALLYSTICK_DATABASE_URL=newer)),
    ]
    doctor = tallystick("doctor", TALLYSTICK_DATABASE_URL=newer)

    assert doctor.returncode == 1
    [line] = [one for one in doctor.stdout.splitlines() if one.startswith("mend  database")]
    for one in (*told, line):
        assert "at step 9000, made by a newer Tallystick" in one
        assert "install that version again" in one
