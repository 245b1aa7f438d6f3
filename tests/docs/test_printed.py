"""The tables in the docs are those of the code."""

from __future__ import annotations

import pytest

from scripts import print_docs

PAGES = print_docs.pages()


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_the_tables_of_a_page_are_up_to_date(page):
    text = page.read_text()

    assert print_docs.printed(text) == text, "Run: .venv/bin/python scripts/print_docs.py"


def test_every_table_stands_on_some_page():
    text = "".join(page.read_text() for page in PAGES)

    assert [name for name in print_docs.TABLES if f"<!-- printed: {name} -->" not in text] == []


def test_every_setting_says_what_it_means():
    rows = [line.split(" | ") for line in print_docs.settings().splitlines()[2:]]

    assert [row[0] for row in rows if not row[2].strip(" |")] == []
