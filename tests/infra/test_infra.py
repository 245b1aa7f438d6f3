"""The ground under the other tests: the servers and the browser are real and answer."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
import redis

from tests.infra import left_out, shared
from tests.infra.browser import assert_accessible
from tests.infra.live import LiveServer, assert_no_fault, events
from tests.infra.sharing_out import unit

GOOD_PAGE = """data:text/html,<!doctype html><html lang=en><title>Pay</title>
<main><h1>Pay</h1><p>Scan the code.</p></main></html>"""
BAD_PAGE = "data:text/html,<!doctype html><html><body><img src=x><input></body></html>"


async def test_postgresql_answers(postgres_server):
    connection = await asyncpg.connect(postgres_server.url)

    version = await connection.fetchval("SELECT version()")

    assert version.startswith("PostgreSQL")
    await connection.close()


async def test_the_durable_postgresql_keeps_its_promises(postgres_durable):
    connection = await asyncpg.connect(postgres_durable.url)

    assert await connection.fetchval("SHOW fsync") == "on"
    assert await connection.fetchval("SHOW full_page_writes") == "on"
    await connection.close()


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_database_for_itself(empty_database_url, turn):
    if empty_database_url.startswith("sqlite"):
        with sqlite3.connect(empty_database_url.removeprefix("sqlite:///")) as connection:
            connection.execute("CREATE TABLE only_mine (turn INTEGER)")
        connection.close()
    else:
        asyncio.run(create_table(empty_database_url))


async def create_table(url):
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE only_mine (turn INTEGER)")
    await connection.close()


@pytest.mark.sqlite_only
def test_a_mark_keeps_a_test_on_sqlite(database_url):
    assert database_url.startswith("sqlite:///")


@pytest.mark.postgresql_only
def test_a_mark_keeps_a_test_on_postgresql(database_url):
    assert database_url.startswith("postgresql://")


def test_what_shares_a_server_goes_to_one_worker_and_the_other_database_to_another():
    first, second = "tests/http/test_jobs.py::test_a[postgresql]", "tests/http/test_jobs.py::test_b"

    assert unit(f"{second}[postgresql-audit]") == unit(first)
    assert unit(f"{second}[sqlite-audit]") == unit(second)
    assert unit(first) != unit(second)


def test_redis_answers(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()


def test_chromium_renders_a_page_that_axe_accepts(every_page):
    every_page.goto(GOOD_PAGE)

    assert every_page.get_by_role("heading").inner_text() == "Pay"
    assert_accessible(every_page)


def test_a_page_finds_nothing_of_another_test_in_the_browser(every_page):
    every_page.route("http://shop.test/", lambda route: route.fulfill(body="<title>Shop"))
    every_page.goto("http://shop.test/")

    assert every_page.evaluate("document.cookie + (localStorage.seen ?? '')") == ""
    every_page.evaluate("document.cookie = 'seen=1'; localStorage.seen = 'before'")


async def test_an_async_test_has_a_loop_of_its_own_between_pages():
    assert await asyncio.to_thread(lambda: "here") == "here"


def test_a_page_opens_after_an_async_test(page):
    page.goto(GOOD_PAGE)

    assert page.title() == "Pay"


def test_a_browser_that_died_is_started_again(shared_browser):
    first = shared_browser.resume()
    first.close()

    second = shared_browser.resume()

    assert second.is_connected()
    assert second is not first
    shared_browser.pause()


def test_axe_names_what_is_wrong_with_a_page(page):
    page.goto(BAD_PAGE)

    with pytest.raises(AssertionError, match="image-alt"):
        assert_accessible(page)


def test_a_server_ends_with_the_test_run_that_started_it(tmp_path, monkeypatch):
    monkeypatch.setenv(shared.FOLDER, str(tmp_path))
    owner = subprocess.Popen(["sleep", "600"])
    (tmp_path / "owner").write_text(str(owner.pid))
    data = tmp_path / "data"
    data.mkdir()
    keeper = shared.keep(["sleep", "600"], folder=data)

    owner.kill()
    owner.wait()

    keeper.wait(60)
    assert not data.exists()


def test_a_program_that_a_test_starts_keeps_what_it_compiled():
    ask = "import sys; print(sys.dont_write_bytecode)"

    done = subprocess.run(
        [sys.executable, "-c", ask],
        env=shared.plain_environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "False"


def test_the_program_comes_back_on_the_same_port_after_a_kill(live_server):
    server = live_server(by_name=True)
    url, pid = server.url, server.pid

    server.kill9()
    server.restart()

    assert server.url == url
    assert server.pid != pid
    assert server.get("/health/live").status == 200


@pytest.mark.parametrize(("line", "fault"), [
    ("Traceback (most recent call last):", True),
    ('{"status": 500, "event": "delivery_failed"}', False),
])  # fmt: skip
def test_a_fault_in_a_servers_log_fails_the_tests_that_share_it(tmp_path, line, fault):
    server = LiveServer(tmp_path, None, (), {}, starts=1)
    (tmp_path / "stderr-1.txt").write_text(f"{{}}\n{line}\n")

    with pytest.raises(pytest.fail.Exception) if fault else nullcontext():
        assert_no_fault(server)


def test_a_run_that_marks_narrow_says_at_its_end_what_it_left_out():
    said: list[str] = []
    reporter: Any = SimpleNamespace(write_line=said.append)
    config: Any = SimpleNamespace(stash=pytest.Stash(), getoption=lambda name: "not server")
    left_out.pytest_configure(config)

    left_out.pytest_deselected([marked(config, "postgres", "server"), marked(config, "browser"),
                                marked(config, "server"), marked(config)])  # fmt: skip
    left_out.pytest_terminal_summary(reporter, config)

    assert said == [
        "Left out, and run by `make test`: 2 of the running program, 1 in Chromium."
    ]  # fmt: skip


def marked(config, *marks):
    """A test with these marks."""
    return SimpleNamespace(config=config, get_closest_marker=lambda name: name in marks)


def test_an_event_stream_is_read_as_browsers_read_it():
    text = "retry: 3000\n: hello\n\nid: 7\nevent: paid\ndata: {\ndata: }\n\ndata: x\n\n"

    read = [(event.name, event.data, event.id) for event in events(iter(text.splitlines()))]

    assert read == [("paid", "{\n}", "7"), ("message", "x", "7")]
