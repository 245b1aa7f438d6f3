"""A database that cannot be read is one line, whatever is wrong, and its advice can be followed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import free_port, refused


def file_of(url: str) -> Path:
    """The file of a SQLite URL."""
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture(params=["cut off", "a letter"])
def damaged(request: pytest.FixtureRequest, database_url: str) -> str:
    """The URL of a file that was a database, and of one that never was."""
    file = file_of(database_url)
    content = file.read_bytes()
    log = file.with_name(file.name + "-wal")
    log.unlink(missing_ok=True)
    letter = b"Dear reader, this is not a database at all." * 100
    file.write_bytes(content[: len(content) // 3] if request.param == "cut off" else letter)
    return database_url


@pytest.mark.sqlite_only
@pytest.mark.parametrize("command", ["audit", "migrate", "dev"])
def test_every_command_says_in_one_line_that_a_database_is_damaged(tallystick, damaged, command):
    port = ("--port", free_port()) if command == "dev" else ()

    line = refused(tallystick(command, *port, "--database", damaged))

    assert "malformed" in line or "not a database" in line
    assert "Restore a backup, or name another database." in line


@pytest.mark.sqlite_only
def test_the_doctor_says_so_and_looks_at_the_rest(tallystick, damaged):
    doctor = tallystick("doctor", "--database", damaged)

    [line] = [one for one in doctor.stdout.splitlines() if one.startswith("mend  database")]
    assert "Restore a backup" in line
    assert "ok    folder" in doctor.stdout
    assert (doctor.returncode, doctor.stderr) == (1, "")


def test_what_is_advised_for_a_database_that_is_not_there_works(tallystick, tmp_path):
    url = f"sqlite:///{tmp_path}/new.db"
    line = refused(tallystick("audit", "--database", url))
    advice = re.search(r"`tallystick ([^`]+)`", line)
    assert advice is not None, line

    followed = tallystick(*shlex.split(advice[1]))

    assert followed.returncode == 0, followed.stderr
    assert tallystick("audit", "--database", url).returncode == 0


@pytest.mark.parametrize("command", ["audit", "migrate"])
def test_a_folder_that_is_not_there_is_named_and_nothing_is_advised_that_fails(
    tallystick, tmp_path, command
):
    line = refused(tallystick(command, "--database", f"sqlite:///{tmp_path}/nowhere/hub.db"))

    assert f"There is no folder {tmp_path}/nowhere" in line
    assert "tallystick migrate" not in line


def test_a_folder_in_the_place_of_a_database_is_named(tallystick, tmp_path):
    line = refused(tallystick("audit", "--database", f"sqlite:///{tmp_path}"))

    assert "is a folder and no database" in line


@pytest.mark.sqlite_only
def test_a_file_without_our_tables_says_how_to_make_them(tallystick, empty_database_url):
    file_of(empty_database_url).touch()

    line = refused(tallystick("audit", "--database", empty_database_url))

    assert "has no tables of Tallystick" in line
    assert "nothing" not in line


@pytest.mark.sqlite_only
@pytest.mark.parametrize("ending", [".sandbox", ".dev-keys"])
def test_dev_says_in_one_line_which_of_its_own_files_is_damaged(tallystick, database_url, ending):
    file = file_of(database_url)
    own = file.with_name(file.name + ending)
    own.write_bytes(b"Dear reader, this is nothing of ours." * 100)

    line = refused(tallystick("dev", "--port", free_port(), "--database", database_url))

    assert own.name in line


@pytest.mark.postgresql_only
@pytest.mark.parametrize("command", ["audit", "migrate", "dev"])
def test_a_database_that_was_dropped_is_one_line(tallystick, database_url, command):
    port = ("--port", free_port()) if command == "dev" else ()

    line = refused(tallystick(command, *port, "--database", database_url + "_gone"))

    assert "does not let us in" in line or "does not exist" in line
