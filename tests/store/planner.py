"""Asks both databases how they would answer a statement, and finds what reads too much."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from sqlalchemy import Connection

from tests.store.large import is_growing

STEPS: Final = 150_000
"""What SQLite's machine may take for one question; to read 20,000 rows takes about as many."""

LIKELY: Final = 5_000
"""More rows than this, by PostgreSQL's own guess, are not sorted or read for one question."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One statement as a driver is given it, and where it comes from."""

    name: str
    sql: str
    values: Any


def faults(tx: Connection, asked: Asked) -> list[str]:
    """What is wrong with the plan of a statement, a line for each table that is read through."""
    read = _on_sqlite if tx.dialect.name == "sqlite" else _on_postgresql
    return [f"{asked.name}: {fault}" for fault in dict.fromkeys(read(tx, asked))]


_SCAN: Final = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")


def _on_sqlite(tx: Connection, asked: Asked) -> Iterator[str]:
    names = _aliases(asked.sql)
    lines = [row[3] for row in tx.exec_driver_sql("EXPLAIN QUERY PLAN " + asked.sql, asked.values)]
    for line in lines:
        found = _SCAN.match(line)
        if found is not None and is_growing(names.get(found[1], found[1])) and not found[2]:
            yield f"reads all of {names.get(found[1], found[1])} ({line})"
    if not _ends_soon(tx, asked):
        yield f"takes more than {STEPS:,} steps ({'; '.join(lines)})"


def _ends_soon(tx: Connection, asked: Asked) -> bool:
    """Whether SQLite really answers in a few steps of its machine, where a plan says too little."""
    driver: Any = tx.connection.driver_connection
    taken = count(1)
    driver.set_progress_handler(lambda: next(taken) > STEPS // 1000, 1000)
    driver.execute("BEGIN")
    try:
        driver.execute(asked.sql, asked.values or ()).fetchall()
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return False
    except sqlite3.IntegrityError:
        pass
    finally:
        driver.set_progress_handler(None, 0)
        # SQLite has taken everything back already where it was stopped while it wrote.
        if driver.in_transaction:
            driver.execute("ROLLBACK")
    return True


def _aliases(sql: str) -> dict[str, str]:
    words = r"(?:FROM|JOIN|UPDATE|,)\s+(\w+)\s+(?:AS\s+)?(\w+)"
    return {alias: table for table, alias in re.findall(words, sql) if is_growing(table)}


def _on_postgresql(tx: Connection, asked: Asked) -> Iterator[str]:
    found = tx.exec_driver_sql("EXPLAIN (FORMAT JSON) " + asked.sql, asked.values).scalar()
    (plan,) = found if isinstance(found, list) else json.loads(str(found))
    yield from _in_node(tx, plan["Plan"], None)


def _in_node(tx: Connection, node: dict[str, Any], wanted: float | None) -> Iterator[str]:
    """What a step of a plan and those below it read; `wanted` is how many rows are enough."""
    kind, table, rows = node["Node Type"], node.get("Relation Name", ""), node["Plan Rows"]
    if is_growing(table):
        told = ", ".join(str(node[key]) for key in ("Index Name", "Filter") if key in node)
        if kind == "Seq Scan":
            yield f"reads all of {table} (Seq Scan {told})"
        elif (many := _read(tx, node, wanted)) > LIKELY:
            yield f"reads {many:,.0f} rows of {table} ({kind} {told})"
    if kind == "Sort" and rows > LIKELY:
        yield f"sorts {rows} rows"
    # What is put in order, or counted, is read to its end, whatever is wanted of it.
    if kind in {"Sort", "Hash", "Aggregate", "HashAggregate", "Unique"}:
        wanted = None
    if kind == "Limit":
        wanted = rows
    for child in node.get("Plans", ()):
        yield from _in_node(tx, child, wanted)


def _read(tx: Connection, node: dict[str, Any], wanted: float | None) -> float:
    """How many rows of an index are likely to be read before enough of them pass the filter."""
    rows = max(1.0, node["Plan Rows"])
    along = rows
    if "Index Cond" not in node and "Index Name" in node and "Filter" in node:
        query = "SELECT reltuples FROM pg_class WHERE relname = $1"
        along = float(tx.exec_driver_sql(query, (node["Index Name"],)).scalar() or rows)
    return along if wanted is None else along * min(1.0, wanted / rows)
