"""A running hub for each module, and a road to it on which things go wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.clients.pages import pages
from tests.http.conftest import PLAIN
from tests.http.shop import Shop
from tests.infra.databases import fresh_file
from tests.infra.live import SERVERS, LiveServer
from tests.web.misbehaving import Misbehaving, misbehaving


@pytest.fixture(scope="module")
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop at a hub that the module's tests share; what its database is makes no difference here.

    The module's ENVIRONMENT, if it has one, is what the hub is set to.
    """
    folder = tmp_path_factory.mktemp("hub")
    environment = {**PLAIN, **getattr(request.module, "ENVIRONMENT", {})}
    url = fresh_file(folder / "tallystick.db", migrated=True)
    server = LiveServer(folder, url, (), environment)
    server.start()
    shop = Shop(server)
    yield shop
    shop.leave()


@pytest.fixture(autouse=True)
def _log_of_the_shared_hub(request: pytest.FixtureRequest) -> None:
    """Show under a failure what the shared hub wrote."""
    if "shop" in request.fixturenames:
        request.node.stash[SERVERS] = [request.getfixturevalue("shop").server]


@pytest.fixture
def road() -> Iterator[Misbehaving]:
    """What stands between the browser and the hub, and has the merchant's pages."""
    with misbehaving() as running:
        running.pages.update(pages())
        yield running


@pytest.fixture
def quick(page: Page) -> Page:
    """A page whose time passes as fast as the test says."""
    page.clock.install()
    return page
