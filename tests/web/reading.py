"""Reading pages in tests: what a sample looks like, and what stands on it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from tallystick.domain.snapshot import Snapshot
from tallystick.web.pages import (
    Language,
    PageKind,
    Visit,
    render_pay_page,
)
from tests.web.samples import (
    GATEWAYS,
    NOW,
    SAMPLES,
    SITE,
)

every_language = pytest.mark.parametrize("language", list(Language))
every_sample = pytest.mark.parametrize("name", list(SAMPLES))


def pay_page(snapshot: Snapshot, page: PageKind = PageKind.PAY, **more: Any) -> str:
    """The page of a payment, read in English now, unless said otherwise."""
    gateways = more.pop("gateways", GATEWAYS)
    site = more.pop("site", SITE)
    visit = Visit(more.pop("language", Language.ENGLISH), more.pop("now", NOW), page, **more)
    return render_pay_page(snapshot, visit, gateways=gateways, site=site)


def sample_page(name: str, language: Language = Language.ENGLISH) -> str:
    """The page of a sample."""
    sample = SAMPLES[name]
    return render_pay_page(
        sample.snapshot, sample.visit(language), gateways=sample.gateways, site=SITE
    )


class Reader(HTMLParser):
    """Collects the elements of a page, and its text without the markup."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text in one line."""
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a kind."""
        return [attrs for name, attrs in self.elements if name == tag]
