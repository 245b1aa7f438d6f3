"""What has the shop's money in it is for its owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tallystick.store.sqlite import ServerLock
from tests.store.conftest import database

__all__ = ["database"]


def modes(folder: Path, name: str) -> dict[str, str]:
    """What may be done with a database and all that stands beside it."""
    return {
        path.name.removeprefix(name): f"{stat.S_IMODE(path.stat().st_mode):o}"
        for path in folder.iterdir()
        if path.is_file() and path.name.startswith(name)
    }


@pytest.mark.sqlite_only
def test_everybody_on_the_machine_could_read_the_payments_of_a_shop(live_server, database_url):
    """The file had the mode of the umask, and so had its log and what a sandbox keeps beside it."""
    file = Path(database_url.removeprefix("sqlite:///"))
    wider = ("", "-wal", ".sandbox", ".dev-keys.new", ".lock")
    for ending in wider:
        path = file.with_name(file.name + ending)
        path.touch()
        path.chmod(0o666)

    server = live_server(database_url)

    found = modes(file.parent, file.name)
    assert {"", "-wal", "-shm", ".sandbox", ".sandbox-wal", ".dev-keys", ".lock"} <= set(found)
    assert set(found.values()) == {"600"}, found
    server.stop()
    assert set(modes(file.parent, file.name).values()) == {"600"}


@pytest.mark.sqlite_only
def test_a_migrated_file_is_its_owners_from_the_first_byte(tallystick, tmp_path):
    tallystick("migrate", "--database", "sqlite:///new.db")

    assert set(modes(tmp_path, "new.db").values()) == {"600"}


@pytest.mark.sqlite_only
async def test_what_was_wider_is_narrowed_when_it_is_opened(tmp_path, database):
    found = modes(tmp_path, database.path.name)

    ServerLock(database.path).take()

    # The test's file is a copy, with the mode of the umask.
    assert found[""] == "600"
    assert set(modes(tmp_path, database.path.name).values()) == {"600"}
