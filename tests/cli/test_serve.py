"""`tallystick serve`, `work` and `migrate`: in production."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tallystick.store.migrate import migrate
from tests.cli.conftest import PRODUCTION, free_port, lines, refused
from tests.infra.live import Client


def test_serve_names_every_fault_on_a_line_of_its_own(tallystick):
    done = tallystick("serve")

    assert done.returncode == 1
    assert done.stdout == ""
    told = lines(done.stderr)
    assert [line.split()[0] for line in told] == [
        "TALLYSTICK_SECRET_KEY", "TALLYSTICK_BASE_URL", "No",
    ]  # fmt: skip


def test_serve_does_not_start_with_secrets_that_can_be_guessed(tallystick):
    """`TALLYSTICK_JWT_SECRET=secret` served: anybody could sign in as any user."""
    short = {"TALLYSTICK_JWT_SECRET": "s" * 31, "CRON_SECRET": "c" * 15}

    done = tallystick("serve", **PRODUCTION | short)

    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(" and could be")[0] for line in lines(done.stderr)] == [
        "TALLYSTICK_JWT_SECRET is shorter than 32 characters",
        "CRON_SECRET is shorter than 16 characters",
    ]
    assert "sss" not in done.stderr


def test_serve_does_not_touch_the_database_while_there_are_faults(tallystick, tmp_path):
    tallystick("serve")

    assert list(tmp_path.iterdir()) == []


def test_serve_serves_without_any_simulator(running, database_url):
    port = free_port()

    running("serve", "--port", port, TALLYSTICK_DATABASE_URL=database_url, **PRODUCTION).until(
        "serves"
    )

    hub = Client(lambda: f"http://127.0.0.1:{port}")
    assert hub.get("/health/ready").json["status"] == "ok"
    assert hub.post("/_sim/act", json={"act": "pay"}).status == 404
    assert hub.post("/api/jobs/audit", headers={"x-cron-secret": PRODUCTION["CRON_SECRET"]}).json[
        "success"
    ]


@pytest.mark.postgresql_only
def test_servers_without_scheduler_share_a_database_with_a_worker(running, database_url):
    environment = {**PRODUCTION, "TALLYSTICK_DATABASE_URL": database_url}
    ports = [free_port(), free_port()]

    for port in ports:
        running("serve", "--no-scheduler", "--port", port, **environment).until("serves")
    worker = running("work", **environment)

    worker.until("Tallystick works")
    for port in ports:
        with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as connection:
            connection.sendall(b"GET /health/ready HTTP/1.0\r\n\r\n")
            assert b" 200 " in connection.recv(100)
    assert worker.leave() == 0


@pytest.mark.sqlite_only
def test_work_says_that_sqlite_has_one_server(live_server, tallystick):
    server = live_server()

    line = refused(tallystick("work", "--database", server.database, **PRODUCTION))

    assert "use PostgreSQL" in line


def test_work_names_the_faults_too(tallystick):
    assert len(lines(tallystick("work").stderr)) == 3


@pytest.mark.parametrize("command", ["serve", "work", "dev", "doctor"])
def test_a_job_that_there_is_not_cannot_be_switched_off(tallystick, tmp_path, command):
    line = refused(tallystick(command, TALLYSTICK_JOBS_OFF="audit,dance", **PRODUCTION))

    assert line.startswith("TALLYSTICK_JOBS_OFF: there is no job 'dance'; there are expired-links,")
    assert list(tmp_path.iterdir()) == []


def test_doctor_names_the_jobs_that_are_off(tallystick):
    told = lines(tallystick("doctor", "--production", TALLYSTICK_JOBS_OFF="tidy, audit").stdout)

    assert [line for line in told if "TALLYSTICK_JOBS_OFF: audit, tidy" in line]


def test_migrate_makes_the_tables_once(tallystick, empty_database_url):
    first = tallystick("migrate", TALLYSTICK_DATABASE_URL=empty_database_url)
    second = tallystick("migrate", "--database", empty_database_url)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "is now at step" in first.stdout
    assert "was already at step" in second.stdout


@pytest.mark.sqlite_only
async def test_what_was_migrated_and_never_served_can_be_migrated_again(empty_database_url):
    """A SQLite file that was migrated and not opened since refused the next start."""
    await migrate(empty_database_url)

    assert await migrate(empty_database_url) is False


def test_a_database_that_is_not_there_is_one_line(tallystick):
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"

    assert "cannot be migrated" in refused(tallystick("migrate", "--database", url))


@pytest.mark.sqlite_only
def test_a_file_that_is_no_database_is_one_line(tallystick, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear reader, this is not a database at all." * 50)

    line = refused(tallystick("migrate", "--database", "sqlite:///letter.txt"))

    assert "cannot be migrated" in line


@pytest.mark.postgresql_only
def test_a_postgresql_database_that_does_not_exist_is_one_line(tallystick, database_url):
    line = refused(tallystick("migrate", "--database", database_url + "_gone"))

    assert "cannot be migrated" in line


def test_two_that_migrate_at_once_do_it_once(empty_database_url):
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(asyncio.run, migrate(empty_database_url)) for _ in range(2)]

    assert sorted(one.result() for one in done) == [False, True]
