"""A running hub for each module and database, and the callers that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.http.shop import Shop
from tests.infra.databases import of_kind, on_each
from tests.infra.live import SERVERS, LiveServer, StartServer

DATABASES = [pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.postgres)]
# A busy machine may keep a simulated gateway's answer back for longer than a buyer would wait.
PLAIN = {"TALLYSTICK_RATE_LIMITS": "false", "TALLYSTICK_OFFER_PATIENCE_S": "30"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test with a hub of its own beside the shared one needs both on one database only."""
    items[:] = [item for item in items if not is_crossed(item)]


def is_crossed(item: pytest.Item) -> bool:
    """Whether the shared hub is on one database and the test's own on the other."""
    given = getattr(getattr(item, "callspec", None), "params", {})
    return {"shop", "database_url"} <= given.keys() and given["shop"] != given["database_url"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for the shared hub on each database that the marks leave over."""
    if "shop" in metafunc.fixturenames and not hasattr(metafunc.module, "shop"):
        on_each(metafunc, "shop", scope="module")


@pytest.fixture(scope="module")
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop at a hub that the module's tests share, once on each database.

    The module's ENVIRONMENT, if it has one, is what the hub is set to.
    """
    environment = {**PLAIN, **getattr(request.module, "ENVIRONMENT", {})}
    folder = tmp_path_factory.mktemp("hub")
    with database(request, request.param, folder) as url:
        server = LiveServer(folder, url, (), environment)
        server.start()
        shop = Shop(server)
        yield shop
        shop.leave()


@contextmanager
def database(request: pytest.FixtureRequest, dialect: str, folder: Path) -> Iterator[str]:
    """The URL of a migrated database that the hub has for itself."""
    yield from of_kind(dialect, request, folder, migrated=True)


@pytest.fixture(autouse=True)
def _log_of_the_shared_hub(request: pytest.FixtureRequest) -> None:
    """Show under a failure what the shared hub wrote."""
    if "shop" in request.fixturenames:
        request.node.stash[SERVERS] = [request.getfixturevalue("shop").server]


OpenShop = Callable[..., Shop]


@pytest.fixture
def open_shop(live_server: StartServer, database_url: str) -> Iterator[OpenShop]:
    """Opens a shop at a hub of its own: `open_shop(TALLYSTICK_STREAM_LIFE_S="2")`."""
    shops: list[Shop] = []

    def start(**environment: str) -> Shop:
        settings: Mapping[str, str] = {**PLAIN, **environment}
        shops.append(Shop(live_server(database_url, env=settings)))
        return shops[-1]

    yield start
    for shop in shops:
        shop.close()
        # Before its database goes.
        shop.server.stop()
