"""A program that was forked is as one that was started by its name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.infra import processes, shared
from tests.infra.programs import ROOT

pytestmark = pytest.mark.server
MIRROR = "tests.infra.mirror"
WAYS = pytest.mark.parametrize("by_name", [False, True], ids=["forked", "by-name"])


@pytest.fixture
def start(tmp_path):
    """Starts the mirror, and ends it with the test."""
    started = []

    def begin(*words, **given):
        environment = given.pop("environment", shared.plain_environment())
        process = processes.start(
            str(tmp_path / "seen.json"), *words, folder=ROOT, environment=environment,
            stdout=tmp_path / "out.txt", stderr=tmp_path / "err.txt", module=MIRROR, **given,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def said(process, path):
    """Everything, once it has said something."""
    shared.wait_until(lambda: "\n" in path.read_text(), process, path)
    return path.read_text()


@pytest.mark.parametrize("zone", ["Asia/Ho_Chi_Minh", "UTC"])
def test_a_forked_program_sees_what_a_started_one_sees(start, tmp_path, zone):
    environment = shared.plain_environment() | {"TZ": zone, "TMPDIR": str(tmp_path), "NEW": "1"}
    environment.pop("HOME", None)
    seen = []

    for by_name in (False, True):
        assert start("0", "more words", by_name=by_name, environment=environment).wait(60) == 0
        seen.append(json.loads((tmp_path / "seen.json").read_text()))

    forked, started = seen
    assert forked == started
    assert forked["environment"] == environment
    assert forked["leads its session"]
    assert forked["temporary"] == str(tmp_path)


@WAYS
@pytest.mark.parametrize(("how", "code"), [("0", 0), ("3", 3), ("raise", 1)])
def test_a_program_leaves_with_its_own_code(start, tmp_path, by_name, how, code):
    process = start(how, by_name=by_name)

    assert process.wait(60) == code
    assert process.poll() == code
    assert ("ValueError: This program was told to fail." in (tmp_path / "err.txt").read_text()) == (
        how == "raise"
    )


@WAYS
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_is_told(start, tmp_path, by_name, number):
    process = start("wait", by_name=by_name)
    said(process, tmp_path / "out.txt")

    assert process.poll() is None
    os.kill(process.pid, number)

    assert process.wait(60) == -number


def test_it_says_that_it_still_runs(start, tmp_path):
    process = start("wait")
    said(process, tmp_path / "out.txt")

    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)


def test_where_python_would_be_another_one_it_is_started_by_its_name(start, tmp_path):
    environment = {**shared.plain_environment(), "PYTHONPATH": str(ROOT / "src")}

    process = start("wait", environment=environment)
    said(process, tmp_path / "out.txt")

    command = subprocess.run(
        ["ps", "-o", "args=", "-p", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout
    assert command.startswith(f"{sys.executable} -m {MIRROR}")


def test_what_was_forked_ends_with_the_test_run(start, tmp_path, monkeypatch):
    ending = processes.ForkServer()
    monkeypatch.setattr(processes, "fork_server", lambda: ending)
    process = start("wait")
    said(process, tmp_path / "out.txt")

    ending.end()

    assert process.wait(60) == -signal.SIGTERM
