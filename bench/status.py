"""Status reads of browsers that poll, beside a bare application that reads one row."""

import http.client
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import ground

CONNECTIONS: Final = 64
PAYMENTS: Final = 500
MOST_PER_S: Final = 20_000


def measure(place: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Full answers and 304s, in turns with the bare read, on both databases."""
    cluster = ground.durable_postgres()
    urls = {"SQLite": f"sqlite:///{place / 'status.db'}", "PostgreSQL": cluster.create()}
    return {name: on(url, rounds, seconds) for name, url in urls.items()}


def on(url: str, rounds: int, seconds: float) -> dict[str, Any]:
    """One database."""
    figures: dict[str, list[dict[str, float]]] = {}
    with (
        ground.process(
            "bench.server", {"database": url, "payments": PAYMENTS, "fresh": True}
        ) as ours,
        ground.process("bench.reader", {"database": url}) as bare,
    ):
        for _ in range(rounds):
            limit = load(bare, requests(ours), seconds, 200)
            for name, asked, status in (
                ("200, all of it", requests(ours), 200),
                ("304, nothing new", requests(ours, tag(ours)), 304),
            ):
                run = load(ours, asked, seconds, status)
                figures.setdefault(name, []).append({**run, "ratio": run["per_s"] / limit["per_s"]})
            figures.setdefault("bare ASGI, one prepared read", []).append({**limit, "ratio": 1.0})
    return {
        name: {key: median(run[key] for run in runs) for key in runs[0]}
        for name, runs in figures.items()
    }


def requests(told: dict[str, Any], tag: str | None = None) -> list[str]:
    """One for each payment, with the payer's token."""
    known = f"If-None-Match: {tag}\r\n" if tag else ""
    return [
        f"GET /api/payments/{payment}/status HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
        f"Authorization: Bearer {token}\r\n{known}Accept-Language: vi\r\n\r\n"
        for payment, token in zip(told["payments"], told["tokens"], strict=True)
    ]


def tag(told: dict[str, Any]) -> str:
    """What an open payment's answer is known by."""
    connection = http.client.HTTPConnection("127.0.0.1", told["port"], timeout=10)
    connection.request("GET", f"/api/payments/{told['payments'][0]}/status",
                       headers={"authorization": f"Bearer {told['tokens'][0]}"})  # fmt: skip
    found = connection.getresponse().headers["etag"]
    connection.close()
    return str(found)


def load(told: dict[str, Any], asked: list[str], seconds: float, status: int) -> dict[str, float]:
    """Run the load generator once. Fails where an answer is another than expected."""
    cpu_s = ground.cpu_s(told["pid"])
    got = ground.ask("bench.load", {
        "port": told["port"], "connections": CONNECTIONS, "seconds": seconds, "raw": asked,
        "count": int(MOST_PER_S * seconds / len(asked)),
    })  # fmt: skip
    if set(got["statuses"]) != {str(status)}:
        raise RuntimeError(f"Expected {status} only: {got}")
    cpu_s = ground.cpu_s(told["pid"]) - cpu_s
    return {**{name: got[name] for name in ("per_s", "p50_ms", "p99_ms")},
            "cpu_us": cpu_s / got["statuses"][str(status)] * 1e6}  # fmt: skip
