"""What every test can ask for; the fixtures themselves are in `tests/infra`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# Each one after those that it imports.
pytest_plugins = (
    "tests.infra.shared",
    "tests.infra.processes",
    "tests.infra.sharing_out",
    "tests.infra.left_out",
    "tests.infra.postgres",
    "tests.infra.databases",
    "tests.infra.redis_server",
    "tests.infra.browser",
    "tests.infra.live",
    "tests.infra.cut_line",
)

# A busy machine is no defect: no test of ours asserts a time.
settings.register_profile(
    "tallystick", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tallystick")

MARK_OF_FIXTURE = {
    "postgres_server": "postgres",
    "postgres_durable": "postgres",
    "own_server": "postgres",
    "redis_url": "redis",
    "chromium_path": "browser",
    "live_server": "server",
    "tallystick": "server",
    "running": "server",
    "walk": "tools",
}
# Where `shop` is a merchant at a running hub.
AT_A_HUB = ("tests/http/", "tests/clients/", "tests/seventh/")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the servers that it needs, so that `make check` can leave them out."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        for fixture in MARK_OF_FIXTURE.keys() & fixtures:
            item.add_marker(MARK_OF_FIXTURE[fixture])
        if "shop" in fixtures and item.nodeid.startswith(AT_A_HUB):
            item.add_marker("server")
