"""Says at the end of a run that was narrowed by marks what it left out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

WORDS = {
    "browser": "in Chromium",
    "server": "of the running program",
    "postgres": "on PostgreSQL",
    "redis": "with Redis",
    "tools": "with programs that `make test` gets",
    "slow": "that take long",
}
LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.stash[LEFT_OUT] = Counter()


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count each by the first of the marks that it has."""
    for item in items:
        mark = next((mark for mark in WORDS if item.get_closest_marker(mark)), None)
        if mark and item.config.getoption("markexpr"):
            item.config.stash[LEFT_OUT][mark] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that was started by hand; each worker has looked at all tests."""
    if hasattr(session.config, "workeroutput"):
        counted = session.config.stash[LEFT_OUT]
        session.config.workeroutput["left_out"] = dict(counted)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear it."""
    left_out: dict[str, int] = getattr(node, "workeroutput", {}).get("left_out", {})
    node.config.stash[LEFT_OUT] = Counter[str](left_out)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say it."""
    if counted := config.stash[LEFT_OUT]:
        told = ", ".join(f"{number} {WORDS[mark]}" for mark, number in counted.most_common())
        terminalreporter.write_line(f"Left out, and run by `make test`: {told}.")
