"""Ten thousand orders at two gateways, played on both databases and worked out from outside."""

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, Final

import structlog

from bench import ground
from tallystick.store.connect import open_database
from tallystick.store.migrate import migrate
from tests.flows.business import Business
from tests.store.house import House

SIZE: Final = 10_000
SEED: Final = 20_261_120


def measure(place: Path, size: int = SIZE) -> dict[str, Any]:
    """Play it; fails where the audit finds anything, or a figure differs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    cluster = ground.durable_postgres()
    urls = {"SQLite": f"sqlite:///{place / 'business.db'}", "PostgreSQL": cluster.create()}
    return {name: asyncio.run(_play(url, size)) for name, url in urls.items()}


async def _play(url: str, size: int) -> dict[str, Any]:
    await migrate(url)
    database = open_database(url)
    started = time.perf_counter()
    try:
        business = Business(House(database), SEED)
        await business.trade(size)
        traded = time.perf_counter()
        found = await business.check()
    finally:
        await database.close()
    return {**found, "orders a second": size / (traded - started),
            "audit and comparison, s": time.perf_counter() - traded}  # fmt: skip
