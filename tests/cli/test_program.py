"""The program as a whole: its help, its words, and how it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import lines, refused

COMMANDS = {
    "dev", "demo", "serve", "work", "migrate", "pay", "watch", "why", "audit", "doctor", "keys",
}  # fmt: skip


def test_the_help_names_every_command_in_whole_sentences(tallystick):
    done = tallystick("--help")

    listed = done.stdout.partition("Commands:\n")[2].split("\n\n")[0].splitlines()
    told = {line.split()[0]: line.split(maxsplit=1)[1] for line in listed}
    assert set(told) >= COMMANDS
    assert all(words.endswith(".") and not words.endswith("...") for words in told.values()), told


def test_the_installed_program_is_the_module(tallystick):
    installed = Path(sys.executable).with_name("tallystick")

    done = subprocess.run([installed, "--help"], capture_output=True, text=True, check=True)

    assert lines(done.stdout)[1:] == lines(tallystick("--help").stdout)[1:]


def test_the_version_is_told(tallystick):
    assert tallystick("--version").stdout == "tallystick 0.1.0\n"


@pytest.mark.parametrize(
    "words",
    [("sell",), ("pay", "fifty", "VND", "--gateway", "payos"), ("pay", "50000", "VND"), ("watch",),
     ("dev", "--port", "70000"), ("keys", "create")],
    ids=" ".join,
)  # fmt: skip
def test_wrong_words_leave_with_2_and_a_hint(tallystick, words):
    done = tallystick(*words)

    assert done.returncode == 2
    assert "Usage: " in done.stderr
    assert done.stdout == ""


def test_a_refusal_is_one_line_without_a_traceback(tallystick):
    line = refused(tallystick("why", "pay_01M7XKCXT93S4VQH16M8MMYQFJ"))

    assert "tallystick migrate" in line


def test_a_setting_that_cannot_be_read_is_named_without_its_value(tallystick):
    line = refused(tallystick("migrate", TALLYSTICK_TRUSTED_PROXIES="s3cret"))

    assert line.startswith("TALLYSTICK_TRUSTED_PROXIES: is a whole number")
    assert "s3cret" not in line


@pytest.mark.parametrize("origins", [
    "*", "https://shop.example.com/pay", "shop.example.com", "https://*.example.com", "null",
    "https://shop.example.com, javascript:x",
])  # fmt: skip
def test_a_shops_address_that_is_no_origin_is_refused_in_plain_words(tallystick, origins):
    line = refused(tallystick("migrate", TALLYSTICK_ALLOWED_ORIGINS=origins))

    assert line.startswith("TALLYSTICK_ALLOWED_ORIGINS: ")
    assert "is not an origin" in line
    assert "https://shop.example.com" in line


@pytest.mark.parametrize("url", ["mysql://root@localhost/pay", "tallystick.db"])
def test_an_unknown_kind_of_database_is_refused(tallystick, url):
    assert "sqlite:///" in refused(tallystick("migrate", "--database", url))


def test_no_command_imports_the_server_to_show_its_help():
    code = "import sys, tallystick.cli; sys.exit('sqlalchemy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
