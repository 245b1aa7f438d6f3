"""How long the audit takes at very many payments, and how long it holds a transaction.

`python -m bench.audit [PAYMENTS] [URL]`: settles one payment, multiplies by set-based SQL all rows
that it left, and looks at everything, and at what changed since. Figures are CPU of this process,
so that a busy machine does not change them; on PostgreSQL the server's own share comes on top.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any, Final

from sqlalchemy import Connection, text

from tallystick.flows.audit import audit, audit_changes, prove
from tallystick.flows.number_events import publish
from tallystick.products import CHECKS
from tallystick.store import attempts
from tallystick.store.connect import open_database
from tallystick.store.database import Database
from tallystick.store.migrate import migrate
from tallystick.store.schema import metadata
from tests.store.house import House

PAYMENTS: Final = 300_000
NUMBERS: Final = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
              "WHERE n < {many}) SELECT {columns} FROM {table} CROSS JOIN numbers",
    "postgresql": "SELECT {columns} FROM {table} CROSS JOIN generate_series(1, {many}) numbers(n)",
}  # fmt: skip
TABLES: Final = (
    "payments", "attempts", "evidence", "receipts", "transfers", "postings", "events",
    "fulfilments", "outbox", "feed", "client_tokens",
)  # fmt: skip
# What is another in each copy; all else is the same in all of them.
NAMES: Final = {
    "id", "payment_id", "attempt_id", "transfer_id", "event_id", "subject", "our_ref", "memo",
    "provider_id", "transaction_id", "token_hash",
}  # fmt: skip
NUMBER: Final = {"sqlite": "printf('%07d', n)", "postgresql": "lpad(n::text, 7, '0')"}


def timed(what: str, took: float, more: str = "") -> None:
    """Print one figure."""
    print(f"{what:<52}{took:>9.4f} s  {more}", flush=True)


def copied(table: str, number: str, rows: int) -> dict[str, str]:
    """How each column of a copy is made of the first row's."""
    made = {}
    for column in metadata.tables[table].columns.keys():  # noqa: SIM118 - names, not columns
        if column in NAMES:
            made[column] = f"{column} || {number}"
        elif (table, column) == ("outbox", "key"):
            made[column] = f"key || {number}"
        elif (table, column) == ("feed", "seq"):
            made[column] = f"seq + n * {rows}"
        elif column == "credits":
            made[column] = f"replace(credits, 'FT0', 'FT0' || {number})"
        elif column != "seq":
            made[column] = column
    return made


def multiply(many: int, tx: Connection) -> None:
    """As many copies of everything that one settled payment has left behind."""
    dialect = tx.dialect.name
    for table in TABLES:
        rows = int(tx.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one())  # noqa: S608
        made = copied(table, NUMBER[dialect], rows)
        source = NUMBERS[dialect].format(many=many, columns=", ".join(made.values()), table=table)
        tx.execute(text(f"INSERT INTO {table} ({', '.join(made)}) {source}"))
    if dialect == "postgresql":
        tx.exec_driver_sql("ANALYZE")


class Longest:
    """A database that notes its longest transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.longest_s = 0.0
        self.transactions = 0

    async def read(self, body: Callable[[Connection], Any]) -> Any:
        """Run it, and note how long it took."""
        started = process_time()
        result = await self._database.read(body)
        self.longest_s = max(self.longest_s, process_time() - started)
        self.transactions += 1
        return result

    async def write(self, body: Callable[[Connection], Any]) -> Any:
        """The same."""
        return await self._database.write(body)


async def measure(url: str, many: int) -> None:
    """Settle one payment, multiply it, and take the figures."""
    await migrate(url)
    database = open_database(url)
    house = House(database)
    payment_id, ref = await house.open()
    house.pays(ref)
    await house.settle(payment_id)
    await publish(house.hub)
    await database.write(partial(multiply, many))
    now = house.hub.now() + timedelta(days=2)
    started = process_time()
    for number in range(200):
        names = [f"{ref}{number * (many // 200) + 1:07}"]
        found = await database.read(partial(_named, names))
        assert len(found) == 1, names
    timed("attempts.named, each of 200", (process_time() - started) / 200)
    for what, run in (
        ("everything", partial(audit, checks=CHECKS)),
        ("the daily job, the first time", partial(prove, checks=CHECKS, now=now)),
        ("the daily job, again", partial(prove, checks=CHECKS, now=now)),
        ("what changed since", partial(audit_changes, checks=CHECKS, now=now)),
    ):
        seen = Longest(database)
        started = process_time()
        found = await run(seen)
        took = process_time() - started
        told = f"{seen.transactions} reads, the longest {seen.longest_s * 1000:.0f} ms"
        timed(what, took, f"{told}; broken: {[one.invariant for one in found]}")
    await database.close()


def _named(names: list[str], tx: Connection) -> list[Any]:
    return attempts.named(tx, "till", "main", names)


def main() -> None:
    """Measure on the database given, or on a fresh file."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else PAYMENTS
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{Path(folder) / 'audit.db'}"
        print(f"{many:,} payments, {url.partition(':')[0]}")
        asyncio.run(measure(url, many))


if __name__ == "__main__":
    main()
