"""Durable webhook intake over HTTP, against the same statement on the bare database."""

import asyncio
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import asyncpg

from bench import bare, ground
from tallystick.store import inbox
from tallystick.store.migrate import migrate

CONNECTIONS: Final = 64
# What a client or server could send in a second at most; made before the clock starts.
MOST_PER_S: Final = 30_000
PAYMENTS: Final = 300


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to load the server."""

    name: str
    scheduler: bool = False
    halved: bool = False
    known: bool = False


VARIANTS: Final = (
    Variant("distinct"),
    Variant("half of them duplicates", halved=True),
    Variant("distinct, worker on", scheduler=True),
    Variant("about open payments, worker on", scheduler=True, known=True),
)


@dataclass(slots=True)
class Side:
    """One database: how to count what it kept, and how fast it is by itself."""

    name: str
    limit_name: str
    new_url: Callable[[], str]
    count: Callable[[str], int]
    limit: Callable[[float, int], float]
    figures: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    limits: list[float] = field(default_factory=list)


def measure(place: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """All variants on both databases, in turns with the bare limit."""
    cluster = ground.durable_postgres()
    sides = [sqlite_side(place), postgres_side(cluster, place)]
    for side in sides:
        with servers(side) as running:
            for number in range(rounds):
                turn(side, running, number, seconds)
    return {side.name: summary(side) for side in sides}


@contextmanager
def servers(side: Side) -> Iterator[dict[bool, tuple[str, dict[str, Any]]]]:
    """One server without and one with its worker, each on a database of its own, both at rest."""
    quiet, busy = side.new_url(), side.new_url()
    with (
        ground.process("bench.server", {"database": quiet}) as one,
        ground.process(
            "bench.server", {"database": busy, "scheduler": True, "payments": PAYMENTS}
        ) as other,
        ground.at_rest(one["pid"], other["pid"]),
    ):
        yield {False: (quiet, one), True: (busy, other)}


def turn(
    side: Side, running: dict[bool, tuple[str, dict[str, Any]]], number: int, seconds: float
) -> None:
    """Each variant once, and the limit between them."""
    for place, variant in enumerate(VARIANTS):
        if place % 2 == number % 2:
            side.limits.append(side.limit(seconds, number * 10 + place))
        url, told = running[variant.scheduler]
        with ground.awake(told["pid"]):
            # What is left of the runs before would be work for this one's worker.
            ground.post(told["port"], "/bench/forget", {})
            figures = load(side, url, told, variant, number * 10 + place, seconds)
        side.figures.setdefault(variant.name, []).append(figures)


def load(
    side: Side, url: str, told: dict[str, Any], variant: Variant, seed: int, seconds: float
) -> dict[str, float]:
    """Run the load generator once. Fails where the inbox is not what was answered."""
    before, cpu_before = side.count(url), ground.cpu_s(told["pid"])
    got = ground.ask("bench.load", {
        "port": told["port"], "connections": CONNECTIONS, "seconds": seconds, "seed": seed,
        "count": int(MOST_PER_S * seconds), "halved": variant.halved,
        "about": told["orders"] if variant.known else [],
    })  # fmt: skip
    cpu_s = ground.cpu_s(told["pid"]) - cpu_before
    answered = sum(got["statuses"].values())
    if set(got["statuses"]) != {"200"} or got["exhausted"]:
        raise RuntimeError(f"{variant.name} on {side.name}: {got}")
    kept = side.count(url) - before
    if kept != got["kept"]:
        raise RuntimeError(f"{variant.name} on {side.name}: {kept} rows for {got['kept']} events")
    return {**{name: got[name] for name in ("per_s", "p50_ms", "p99_ms")},
            "cpu_us": cpu_s / answered * 1e6, "limit": side.limits[-1]}  # fmt: skip


def sqlite_side(place: Path) -> Side:
    """SQLite, beside a bare loop on a file of the same schema."""
    names = iter(range(100))

    def new_url() -> str:
        return f"sqlite:///{place / f'{next(names)}.db'}"

    def count(url: str) -> int:
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            found = int(database.execute("SELECT count(*) FROM inbox").fetchone()[0])
        database.close()
        return found

    limit_url = new_url()
    asyncio.run(migrate(limit_url))

    def limit(seconds: float, seed: int) -> float:
        wish = {"path": limit_url.removeprefix("sqlite:///"), "seconds": seconds, "seed": seed,
                "count": int(MOST_PER_S * seconds)}  # fmt: skip
        return float(ground.ask("bench.bare", wish)["per_s"])

    return Side("SQLite", "bare loop, one commit each", new_url, count, limit)


def postgres_side(cluster: Any, place: Path) -> Side:
    """PostgreSQL, beside pgbench with the same statement."""
    limit_url = cluster.create()
    asyncio.run(migrate(limit_url))
    script = place / "insert.sql"
    script.write_text(pgbench_script())

    def count(url: str) -> int:
        async def ask() -> int:
            connection = await asyncpg.connect(url)
            try:
                return int(await connection.fetchval("SELECT count(*) FROM inbox"))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def limit(seconds: float, _seed: int) -> float:
        command = [ground.pgbench(), "--no-vacuum", "--protocol=prepared", "--jobs=2",
                   f"--client={CONNECTIONS}", f"--time={max(1, round(seconds))}",
                   f"--file={script}", limit_url]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        found = re.search(r"tps = ([0-9.]+) \(without", done.stdout)
        if found is None:
            raise RuntimeError(done.stdout + done.stderr)
        return float(found[1])

    return Side("PostgreSQL", "pgbench, one transaction each", cluster.create, count, limit)


def pgbench_script() -> str:
    """The hub's own statement, its values written out but for what must be unique."""
    values = [literal(value) for value in bare.rows(1, 0)[0]]
    values[0], values[3] = "'ntc_' || :n", "'FT' || :n"
    statement = re.sub(r"\$(\d+)", lambda mark: values[int(mark[1]) - 1], inbox.KEEP)
    return f"\\set n random(1, 9007199254740991)\n{statement};\n"


def literal(value: Any) -> str:
    """A value in SQL, without colons, which pgbench would take for its variables."""
    if isinstance(value, bytes):
        return f"CAST('\\x{value.hex()}' AS bytea)"
    if isinstance(value, datetime):
        return "now()"
    if value is None:
        return "NULL"
    return "U&'" + value.replace("'", "''").replace(":", "\\003A") + "'"


def summary(side: Side) -> dict[str, Any]:
    """Medians over the rounds; a ratio is taken to the limit measured just before."""
    rows = {}
    for name, runs in side.figures.items():
        rows[name] = {key: median(run[key] for run in runs)
                      for key in ("per_s", "p50_ms", "p99_ms", "cpu_us")}  # fmt: skip
        rows[name]["ratio"] = median(run["per_s"] / run["limit"] for run in runs)
    return {"limit": side.limit_name, "limit_per_s": median(side.limits), "rows": rows}
