"""`tallystick dev` and `demo`: the first minutes."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess

import pytest

from tallystick.cli.server import ServerClient
from tallystick.domain.errors import Unavailable
from tallystick.sandbox.demo_script import DemoScript, _done
from tests.cli.conftest import PATIENCE_S, PRODUCTION, PROGRAM, free_port, lines, refused
from tests.infra import shared
from tests.infra.live import Client


def test_dev_json_prints_one_line_and_nothing_else(live_server):
    server = live_server()
    server.post("/api/payments", json={}, token=server.secret_key)

    server.stop()

    (line,) = server.stdout.splitlines()
    assert set(json.loads(line)) == {
        "url", "secretKey", "cronSecret", "jwtSecret", "dashboardUrl", "database", "pid",
    }  # fmt: skip


def test_dev_json_begins_without_any_payment(live_server):
    server = live_server()

    assert server.get("/api/payment-links", token=server.secret_key).data == []


def test_a_restart_keeps_the_secrets(live_server):
    server = live_server()
    before = dict(server.ready)

    server.restart()

    door = server.ready["dashboardUrl"]
    assert door != before["dashboardUrl"]
    assert server.ready == {**before, "pid": server.pid, "dashboardUrl": door}
    assert server.get("/api/payments", token=before["secretKey"]).status == 200


def test_dev_tells_a_person_what_there_is_and_what_to_try(running):
    port = free_port()

    said = running("dev", "--port", port).until("Try next")

    hub = Client(lambda: f"http://127.0.0.1:{port}")
    facts = dict(re.findall(r"^  ([A-Z][\w ]+?)  +(\S+)", said, re.MULTILINE))
    assert hub.get(facts["Dashboard"].partition(str(port))[2]).status == 303
    assert {"Pay page", "API docs", "Secret key", "Webhook secret", "Cron secret"} < set(facts)
    assert facts["Database"] == "tallystick.db"
    assert "coffees" in hub.get(facts["Pay page"].partition(str(port))[2]).text
    assert hub.get("/docs").status == hub.get("/openapi.json").status == 200
    assert hub.get("/api/payments", token=facts["Secret key"]).status == 200


def test_the_three_commands_that_dev_prints_work_as_they_are(running):
    process = running("dev", "--port", free_port())
    said = process.until("Try next")

    watch, pay, act = [line.strip() for line in lines(said.partition("Try next")[2])[1:]]

    following = shell(watch)
    assert json.loads(finished(shell(act)))["data"]["act"] == "pay"
    assert "Paid." in finished(following)
    assert "50000 VND through payos, open" in finished(shell(pay))


def test_commands_run_in_the_folder_of_a_dev_server_find_its_port(running):
    port = free_port()
    process = running("dev", "--port", port)
    process.until("Try next")

    def here(*words: str) -> str:
        return finished(
            subprocess.Popen(
                [*PROGRAM, *words],
                cwd=process.said.parent,
                env=shared.plain_environment(),
                stdout=subprocess.PIPE,
                text=True,
            )
        )

    opened = here("pay", "50.000", "VND", "--gateway", "sandbox")

    assert "50000 VND through sandbox, open" in opened
    assert here("dashboard").startswith(f"http://127.0.0.1:{port}/")


def shell(command: str) -> subprocess.Popen[str]:
    """A person pastes a line."""
    return subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> str:
    """What it said; it must have left with 0."""
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    return said


def test_ctrl_c_is_a_good_end(running):
    process = running("dev", "--port", free_port())
    process.until("Try next")

    assert process.leave(signal.SIGINT) == 0
    assert "Traceback" not in process.log.read_text()


def test_a_port_in_use_is_told_with_the_way_out(tallystick):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        line = refused(tallystick("dev", "--json", "--port", str(port)))

    assert f"Port {port} is in use" in line
    assert "--port" in line


def test_dev_does_not_start_beside_live_keys(tallystick):
    line = refused(tallystick("dev", "--json", "--port", "0", **PRODUCTION))

    assert "live keys" in line


def test_a_second_server_on_one_sqlite_file_is_refused(live_server, tallystick):
    server = live_server()

    line = refused(tallystick("dev", "--json", "--port", "0", "--database", server.database))

    assert "Another Tallystick server" in line


def test_demo_auto_plays_the_main_job_to_its_end(tallystick):
    done = tallystick("demo", "--auto")

    assert done.returncode == 0, done.stdout + done.stderr
    steps = re.findall(r"^ ?\d+\. (.+?): ", done.stdout, re.MULTILINE)
    assert len(steps) == 11
    assert '"currentStatus": "PAID"' in done.stdout
    assert "█" in done.stdout
    assert "invariants" in lines(done.stdout)[-2]


def test_demo_auto_leaves_nothing_behind(tallystick, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    tallystick("demo", "--auto", TMPDIR=str(temporary))

    assert list(temporary.iterdir()) == []


def test_a_step_that_fails_is_named(capsys):
    nobody = DemoScript(ServerClient(f"http://127.0.0.1:{free_port()}"), "sqlite:///nothing.db")
    title, step = nobody.steps()[1]

    with pytest.raises(Unavailable, match=r"The step “Link created” failed: .*cannot be reached"):
        _done(title, step)


def test_a_step_does_not_believe_a_link_that_is_not_paid(server):
    script = DemoScript(ServerClient(server.url, server.secret_key), server.database)
    for _, step in script.steps()[1:3]:
        step()

    with pytest.raises(Unavailable, match="The link is OPEN, not delivered"):
        script._find_delivery()
