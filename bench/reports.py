"""The revenue report over many orders: kept daily sums, one aggregate, and the naive loop.

The loop is what the replaced order system did: load every order and convert each at today's rate.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, Final

from sqlalchemy import Connection, text

from bench import ground
from tallystick.products.revenue import sale_rows
from tallystick.products.revenue.sale_rows import Span, Totals
from tallystick.store.connect import open_database
from tallystick.store.database import Database
from tallystick.store.migrate import migrate

SIZES: Final = (10_000, 100_000, 1_000_000)
DAYS: Final = 365
ZONE: Final = "Asia/Ho_Chi_Minh"
TODAY: Final = Decimal("25412.37")
_FROM: Final = 1_767_225_600  # 2026-01-01, in seconds
_NUMBERS: Final = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :size) ",
    "postgresql": "WITH n AS (SELECT i FROM generate_series(1, :size) AS i) ",
}
_AT: Final = {
    "sqlite": f"({_FROM} + (i * {DAYS} * 86400) / :size) * 1000000",
    "postgresql": f"to_timestamp({_FROM} + (i * {DAYS}::bigint * 86400) / :size)",
}
_PAYMENT: Final = """
INSERT INTO payments (id, purpose, phase, amount_state, late, amount, currency, received, refunded,
  late_policy, retriable, tolerance, description, metadata, test_mode, created_at, updated_at,
  expires_at, version)
SELECT 'pay_bench', 'order', 'expired', 'none', 0, 1, 'VND', 0, 0,
  'auto_fulfil', 0, 0, '', '{}', 1, at, at, at, 1 FROM (SELECT """
_SALES: Final = """
INSERT INTO sales (kind, subject, order_id, payment_id, product, provider, amount, currency,
  usd_cents, rate_source, at)
"""
# Seven in ten by bank transfer; two in a hundred went back.
_ROWS: Final = """
SELECT 'sale', 'ord_' || i, 'ord_' || i, 'pay_bench', 'product-' || (i % 5),
  CASE WHEN i % 10 < 7 THEN 'sepay' ELSE 'polar' END,
  CASE WHEN i % 10 < 7 THEN 100000 + i % 900 * 1000 ELSE 990 + i % 90 * 100 END,
  CASE WHEN i % 10 < 7 THEN 'VND' ELSE 'USD' END,
  CASE WHEN i % 10 < 7 THEN (100000 + i % 900 * 1000) / 245 ELSE 990 + i % 90 * 100 END,
  CASE WHEN i % 10 < 7 THEN 'cached' ELSE 'api' END, """
_BACK: Final = """
INSERT INTO sales (kind, subject, order_id, payment_id, product, provider, amount, currency,
  usd_cents, rate_source, at)
SELECT 'refund', order_id || '/1', order_id, payment_id, product, provider, amount, currency,
  usd_cents, rate_source, at
FROM sales WHERE kind = 'sale' AND subject LIKE '%77'
"""
_LOAD: Final = text("SELECT kind, provider, currency, amount FROM sales")
Report = Callable[[Connection], object]


def measure(place: Path, rounds: int, sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Every size on both databases, in milliseconds and as ratios to the kept sums."""
    cluster = ground.durable_postgres()
    found: dict[str, Any] = {}
    for size in sizes:
        urls = {"SQLite": f"sqlite:///{place / f'reports-{size}.db'}",
                "PostgreSQL": cluster.create()}  # fmt: skip
        for name, url in urls.items():
            found[f"{name}, {size:,} orders"] = asyncio.run(_on(url, size, rounds))
    return found


async def _on(url: str, size: int, rounds: int) -> dict[str, float]:
    await migrate(url)
    database = open_database(url)
    try:
        await database.write(lambda tx: fill(tx, size))
        await _analyse(database)
        kept = await database.read(lambda tx: sale_rows.rolled(tx, None, None))
        if kept != await database.read(lambda tx: sale_rows.summed(tx, Span())):
            raise RuntimeError("The kept sums and the aggregate differ.")
        ways: dict[str, tuple[Report, int]] = {
            "kept daily sums, a year": (_year, 20 * rounds),
            "kept daily sums, a month": (_month, 20 * rounds),
            "one aggregate, a year": (lambda tx: sale_rows.summed(tx, Span()), rounds),
            "naive loop, a year": (naive, rounds),
        }
        times = {name: await _timed(database, way, times) for name, (way, times) in ways.items()}
    finally:
        await database.close()
    least = times["kept daily sums, a year"]
    return {
        **{f"{name}, ms": value for name, value in times.items()},
        "aggregate : kept": times["one aggregate, a year"] / least,
        "naive : kept": times["naive loop, a year"] / least,
    }


def fill(tx: Connection, size: int) -> None:
    """So many orders over a year, of which some went back, and their daily sums."""
    dialect = tx.dialect.name
    at = _AT[dialect]
    tx.execute(text(f"{_PAYMENT}{at.replace('i *', '1 *')} AS at) AS t"), {"size": size})
    tx.execute(text(f"{_SALES}{_NUMBERS[dialect]}{_ROWS}{at} FROM n"), {"size": size})
    tx.execute(text(_BACK))
    sale_rows.keep_zone(tx, ZONE)


def naive(tx: Connection) -> dict[str, Decimal]:
    """Load all, convert each, add up: at today's rate, which was another when it was sold."""
    totals: dict[str, Decimal] = {}
    for row in tx.execute(_LOAD):
        cents = Decimal(row.amount) if row.currency == "USD" else row.amount * 100 / TODAY
        signed = cents if row.kind == "sale" else -cents
        totals[row.provider] = totals.get(row.provider, Decimal(0)) + signed
    return totals


def _year(tx: Connection) -> list[Totals]:
    return sale_rows.rolled(tx, date(2026, 1, 1), date(2026, 12, 31))


def _month(tx: Connection) -> list[Totals]:
    return sale_rows.rolled(tx, date(2026, 11, 1), date(2026, 11, 30))


async def _analyse(database: Database) -> None:
    """As a database does by itself after a while."""
    await database.write(lambda tx: tx.execute(text("ANALYZE")))


async def _timed(database: Database, report: Report, times: int) -> float:
    """The median of so many runs, in milliseconds, after one that fills the caches."""
    await database.read(report)
    found = []
    for _ in range(times):
        started = time.perf_counter()
        await database.read(report)
        found.append((time.perf_counter() - started) * 1000)
    return median(found)
