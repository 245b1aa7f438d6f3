"""A real Chromium for the tests: phone and desktop, light and dark, and the axe check.

The tests of a worker share one browser, and each opens contexts of its own, which know nothing of
another test's. It is Playwright's synchronous one, so tests with a page are plain functions. Its
event loop stands still between them, and async tests in the same worker have their own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.infra import programs

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip

DEVICES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
}

# Every wait ends as soon as what it waits for is there; a busy machine may need long for that.
PATIENCE_MS = 100_000
expect.set_options(timeout=PATIENCE_MS)

Scheme = Literal["light", "dark"]
NewPage = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The program; the test fails with a way to mend it where there is none."""
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(programs.node()))
    return programs.chromium()


class SharedBrowser:
    """A headless Chromium that is started when it is needed, and again if it has died."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.playwright = sync_playwright().start()
        self.loop = asyncio.get_running_loop()
        self.browser: Browser | None = None

    def resume(self) -> Browser:
        """The browser, for one test. Playwright's loop counts as the running one from now on."""
        asyncio._set_running_loop(self.loop)
        if self.browser is None or not self.browser.is_connected():
            self.browser = self.playwright.chromium.launch(
                executable_path=self.path, headless=True, args=list(FLAGS)
            )
        return self.browser

    def pause(self) -> None:
        """Forget what the test did. Its loop stands still, so that another one may run here."""
        for context in self.browser.contexts if self.browser else []:
            context.close()
        asyncio._set_running_loop(None)

    def end(self) -> None:
        """End the browser, and what drives it."""
        asyncio._set_running_loop(self.loop)
        if self.browser is not None:
            self.browser.close()
        self.playwright.stop()


@pytest.fixture(scope="session")
def shared_browser(chromium_path: Path) -> Iterator[SharedBrowser]:
    """The one of this worker."""
    shared = SharedBrowser(chromium_path)
    asyncio._set_running_loop(None)
    yield shared
    shared.end()


@pytest.fixture
def browser(shared_browser: SharedBrowser) -> Iterator[Browser]:
    """A headless browser in which this test finds nothing of another."""
    yield shared_browser.resume()
    shared_browser.pause()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Opens pages: `new_page("phone", "dark")`, and further words for Playwright's context.

    A page on which a script failed fails the test at its end.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(device: str = "desktop", color_scheme: Scheme = "light", **words: Any) -> Page:
        context = browser.new_context(**{**DEVICES[device], "color_scheme": color_scheme, **words})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, f"A script on the page failed: {faults}"


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A desktop page in light colours."""
    return new_page()


@pytest.fixture(
    params=[(device, scheme) for device in DEVICES for scheme in ("light", "dark")],
    ids="-".join,
)
def every_page(request: pytest.FixtureRequest, new_page: NewPage) -> Page:
    """The test runs four times: phone and desktop, light and dark."""
    return new_page(*request.param)


def assert_accessible(page: Page) -> None:
    """Fail with the list of what axe finds wrong on the page as it stands now."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
