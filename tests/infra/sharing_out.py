"""Which worker runs which tests: what shares a server goes to one worker, the long ones first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

# What has one of these marks waits for programs; what has none is left for the end, to fill gaps.
LONG = ("slow", "server", "browser")


def unit(nodeid: str) -> str:
    """The tests that go to one worker together: a module's, on one database."""
    path, _, test = nodeid.partition("::")
    return f"{path}@postgresql" if "postgresql" in test else path


class ByServer(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out one unit after another, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByServer | None:
    """Spread whole units over the workers, so that none starts a server that another has."""
    if config.option.dist != "load":
        return None
    config.option.loadscopereorder = False
    return ByServer(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the units that take long, the largest first."""
    sizes = Counter(unit(item.nodeid) for item in items)
    long = {
        unit(item.nodeid) for item in items if any(item.get_closest_marker(mark) for mark in LONG)
    }

    def place(item: pytest.Item) -> tuple[bool, int, str]:
        mine = unit(item.nodeid)
        return mine not in long, -sizes[mine], mine

    items.sort(key=place)
