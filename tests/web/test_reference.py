"""The reference pages: every route and every error, for people, on a phone, without a script."""

from __future__ import annotations

import re

import pytest

from tallystick.domain.errors import HubError
from tallystick.web.error_help import ERROR_HELP, error_entries
from tests.infra.browser import assert_accessible


def test_the_page_lists_every_route_of_the_description(live_server):
    server = live_server()
    described = server.get("/openapi.json").json["paths"]

    page = server.get("/docs").text

    anchors = set(re.findall(r'<article id="([^"]+)"', page))
    assert anchors == {f"{verb}{path}".lower() for path, verbs in described.items()
                       for verb in verbs}  # fmt: skip


def test_webhooks_and_streams_are_described_although_they_go_past_the_framework(live_server):
    described = live_server().get("/openapi.json").json["paths"]

    assert "get" in described["/api/payments/{payment_id}/stream"]
    assert "get" in described["/api/payment-links/{link_id}/stream"]
    assert "post" in described["/api/webhooks/{gateway}"]


def test_the_type_of_a_problem_leads_to_its_line(live_server):
    server = live_server()

    for path in ("/api/payments", "/nothing", "/api/jobs/audit"):
        page, _, anchor = server.get(path).json["type"].partition("#")
        assert f'<article id="{anchor}">' in server.get(page).text


def test_every_error_has_a_remedy_and_no_remedy_is_left_over():
    assert {entry.code for entry in error_entries()} == set(ERROR_HELP)


def test_an_error_of_a_later_day_is_asked_for_its_remedy(monkeypatch):
    monkeypatch.delitem(ERROR_HELP, "conflict")

    with pytest.raises(KeyError, match="conflict"):
        error_entries()


def test_internal_words_do_not_reach_the_page():
    told = next(entry for entry in error_entries() if entry.code == HubError.code)

    assert "Base of all" not in told.when


@pytest.mark.parametrize("path", ["/docs", "/docs/errors"])
def test_the_page_needs_no_script_and_nothing_from_elsewhere(live_server, path):
    answer = live_server().get(path)

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)


def test_the_pages_are_read_on_every_screen(live_server, every_page):
    server = live_server()

    for path in ("/docs", "/docs/errors#conflict", "/docs#post/api/payments"):
        every_page.goto(server.url + path)
        every_page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")

        assert every_page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert_accessible(every_page)
