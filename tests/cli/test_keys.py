"""`tallystick keys`: made, listed and ended beside a running server."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import environment_of, lines, refused


@pytest.fixture
def keys(tallystick, server):
    """`keys("list")`, on the database of a running server."""
    return lambda *words: tallystick("keys", *words, **environment_of(server.database))


def test_a_key_is_printed_alone_and_opens_what_its_role_allows(keys, server):
    key = keys("create", "--role", "reader", "--label", "till").stdout.strip()

    assert key.startswith("tsk_")
    assert server.get("/api/payments", token=key).status == 200
    assert server.post("/api/payment-links", json={}, token=key).status in {400, 403}


def test_the_list_shows_what_a_key_is_for_and_never_the_key(keys):
    key = keys("create", "--role", "operator", "--label", "the shop's till").stdout.strip()

    listed = keys("list").stdout

    assert key not in listed
    assert re.search(r"^key_\w+  tsk_\w+_…  operator +[\d-]+  in force  the shop's till$",
                     listed, re.MULTILINE)  # fmt: skip


def test_a_revoked_key_opens_nothing(keys, server):
    key = keys("create", "--role", "admin", "--label", "lost").stdout.strip()
    (row,) = [line for line in lines(keys("list").stdout) if line.endswith("lost")]

    done = keys("revoke", row.split()[0])

    assert done.returncode == 0
    assert server.get("/api/payments", token=key).status == 401
    assert "revoked" in next(line for line in lines(keys("list").stdout) if "lost" in line)


def test_an_unknown_role_and_an_unknown_key_are_refused(keys):
    assert "admin, operator, reader" in refused(keys("create", "--role", "king"))
    assert "keys list" in refused(keys("revoke", "key_01M7XKCXT93S4VQH16M8MMYQFJ"))


def test_a_secret_is_long_and_never_the_same(tallystick):
    first, second = (tallystick("keys", "secret").stdout.strip() for _ in range(2))

    assert re.fullmatch(r"[0-9a-f]{64}", first)
    assert first != second
