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


@pytest.mark.parametrize("command", ["serve", "work", "dev", "migrate", "audit"])
async def test_every_command_says_in_one_line_what_to_do_with_a_newer_database(
    tallystick, newer, command
):
    port = ("--port", free_port()) if command in {"serve", "dev"} else ()
    settings = PRODUCTION if command in {"serve", "work"} else {}

    line = refused(tallystick(command, *port, TALLYSTICK_DATABASE_URL=newer, **settings))

    assert "at step 9000, made by a newer Tallystick" in line
    assert "install that version again" in line


async def test_the_doctor_says_it_too(tallystick, newer):
    doctor = tallystick("doctor", TALLYSTICK_DATABASE_URL=newer)

    [line] = [one for one in doctor.stdout.splitlines() if one.startswith("mend  database")]
    assert doctor.returncode == 1
    assert "at step 9000, made by a newer Tallystick" in line
