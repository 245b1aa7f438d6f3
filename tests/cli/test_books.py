"""`tallystick audit` and `doctor`: the books, and the ground that they stand on."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.cli.conftest import PRODUCTION, environment_of, lines
from tests.cli.test_payments import act, link_at


@pytest.fixture
def broken(live_server):
    """The URL of a SQLite database in which a payment says that it received what it did not."""
    server = live_server()
    link = link_at(server)
    act(server, link["id"], "pay")
    server.stop()
    with sqlite3.connect(server.database.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE payments SET received = received + 1")
    connection.close()
    return server.database, link["paymentId"]


def test_audit_says_that_every_invariant_holds(tallystick, server):
    act(server, link_at(server)["id"], "pay")

    done = tallystick("audit", "--database", server.database)

    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("The books are in order")


def test_audit_names_the_broken_invariant_and_its_rows(tallystick, broken):
    url, payment = broken

    done = tallystick("audit", "--database", url)

    assert done.returncode == 1
    assert done.stderr == ""
    told = lines(done.stdout)
    assert any(line.startswith("M3: ") for line in told)
    assert any(line.startswith(" ") and payment in line for line in told)


def test_audit_tells_programs_the_same_as_json(tallystick, broken):
    url, payment = broken

    done = tallystick("audit", "--json", **environment_of(url))

    found = json.loads(done.stdout)
    assert (done.returncode, found["holds"]) == (1, False)
    (rows,) = [one["rows"] for one in found["broken"] if one["invariant"] == "M3"]
    assert payment in rows[0]


def test_audit_of_a_database_that_is_not_there_makes_none(tallystick, tmp_path):
    done = tallystick("audit")

    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])


def test_audit_refuses_a_database_of_another_version(tallystick, empty_database_url):
    if empty_database_url.startswith("sqlite"):
        sqlite3.connect(empty_database_url.removeprefix("sqlite:///")).execute("VACUUM").close()

    done = tallystick("audit", "--database", empty_database_url)

    assert "tallystick migrate" in done.stderr
    assert done.returncode == 1


def test_doctor_finds_nothing_to_mend_while_one_tries_things(tallystick, database_url):
    done = tallystick("doctor", "--database", database_url)

    looked_at = {line.split()[1] for line in lines(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert {"settings", "database", "clock", "gateways"} <= looked_at
    assert not any(line.startswith("mend") for line in lines(done.stdout))


def test_doctor_holds_the_settings_to_production(tallystick, database_url):
    bare = tallystick("doctor", "--production", "--database", database_url)
    whole = tallystick("doctor", "--production", "--database", database_url, **PRODUCTION)

    assert bare.returncode == 1
    assert sum(line.startswith("mend  settings") for line in lines(bare.stdout)) == 3
    assert whole.returncode == 0, whole.stdout
    assert "https://pay.example.com/api/webhooks/payos" in whole.stdout


def test_doctor_names_a_gateway_that_cannot_reach_us(tallystick, database_url):
    done = tallystick(
        "doctor", "--database", database_url, **PRODUCTION | {"TALLYSTICK_BASE_URL": "http://x.y"}
    )

    (line,) = [line for line in lines(done.stdout) if " payos " in line]
    assert line.startswith("mend")
    assert done.returncode == 1


def test_doctor_says_how_to_make_a_database(tallystick):
    done = tallystick("doctor")

    (line,) = [line for line in lines(done.stdout) if line.startswith("mend")]
    assert "tallystick migrate" in line
    assert done.returncode == 1


def test_before_the_first_start_doctor_asks_for_nothing_that_serve_does_itself(
    tallystick, empty_database_url
):
    for words in ((), ("--database", empty_database_url)):
        done = tallystick("doctor", "--production", *words, **PRODUCTION)

        told = [line for line in lines(done.stdout) if " database " in line]
        assert (done.returncode, done.stderr) == (0, "")
        assert told[0].startswith("note")
        assert "The first `tallystick serve`" in told[0]


def test_doctor_looks_at_all_gateways_also_where_one_is_set_up_wrongly(tallystick):
    half = {"TALLYSTICK_SEPAY_ACCOUNT_NUMBER": "0071", "TALLYSTICK_SEPAY_BANK_BIN": "970422"}

    done = tallystick("doctor", "--production", **PRODUCTION, **half)

    words = {line.split()[1]: line for line in lines(done.stdout)}
    assert (done.returncode, done.stderr) == (1, "")
    assert words["sepay"].startswith("mend")
    assert words["payos"].startswith("ok")
    assert "folder" in words


def test_doctor_sees_that_the_newest_row_is_still_to_come(tallystick, server):
    server.post("/_sim/clock", json={"advance": 30 * 86_400}, token=server.secret_key)
    link_at(server)

    done = tallystick("doctor", "--database", server.database)

    (line,) = [line for line in lines(done.stdout) if " clock " in line]
    assert line.startswith("mend")
    assert done.returncode == 1
