"""Ten times as many sellers at once as the server can serve: who is served, who is sent away."""

import http.client
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from bench import ground
from bench.notices import AMOUNT

USUAL: Final = 32
"""Connections that keep a server busy; the crowd is ten times that."""

_ALLOWED: Final = {"201", "503"}
_PAUSE_S: Final = 0.2


def measure(place: Path, seconds: float) -> dict[str, Any]:
    """On both databases; fails where an answer is neither yes nor the documented 503."""
    cluster = ground.durable_postgres()
    urls = {"SQLite": f"sqlite:///{place / 'overload.db'}", "PostgreSQL": cluster.create()}
    return {name: on(url, seconds) for name, url in urls.items()}


def on(url: str, seconds: float) -> dict[str, Any]:
    """One database: a usual day, the crowd, the usual day again, and the books."""
    with ground.process("bench.server", {"database": url, "scheduler": True}) as ours:
        before = load(ours, USUAL, seconds)
        with looking(ours) as health:
            crowd = load(ours, 10 * USUAL, seconds)
        after = load(ours, USUAL, seconds)
        found = listed(ours)
    sold = sum(run["statuses"].get("201", 0) for run in (before, crowd, after))
    if found < sold:
        raise RuntimeError(f"{sold} payments were answered 201, and {found} are there.")
    audit = [sys.executable, "-m", "tallystick.cli", "audit", "--database", url]
    subprocess.run(audit, cwd=ground.ROOT, env=ground.environment(), check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return {"usual": told(before), "ten times as many": told(crowd), "afterwards": told(after),
            "health meanwhile, slowest ms": max(health.waits_ms, default=0.0)}  # fmt: skip


def load(ours: dict[str, Any], connections: int, seconds: float) -> dict[str, Any]:
    """Everybody sells as often as they are answered."""
    body = json.dumps({"amount": AMOUNT, "currency": "VND", "gateway": "payos"})
    asked = (
        "POST /api/payments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {ours['key']}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    got = ground.ask("bench.load", {
        "port": ours["port"], "connections": connections, "seconds": seconds, "raw": [asked],
        "count": 100_000,
    }, timeout_s=seconds + 60)  # fmt: skip
    if not set(got["statuses"]) <= _ALLOWED:
        raise RuntimeError(f"Expected 201 or 503 only: {got['statuses']}")
    return got


def told(run: dict[str, Any]) -> dict[str, float]:
    """The figures of one run."""
    yes, no = (run["statuses"].get(status, 0) for status in ("201", "503"))
    return {"sold_per_s": yes / run["seconds"], "sent_away": no / max(1, yes + no),
            "p50_ms": run["p50_ms"], "p99_ms": run["p99_ms"]}  # fmt: skip


class looking:  # noqa: N801 - used as a verb
    """Asks for the server's health all the while; fails where that is not 200."""

    def __init__(self, ours: dict[str, Any]) -> None:
        self.waits_ms: list[float] = []
        self._port = ours["port"]
        self._over = threading.Event()
        self._statuses: set[int] = set()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "looking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._statuses != {200}:
            raise RuntimeError(f"The server's health was answered {self._statuses}.")

    def _look(self) -> None:
        while not self._over.wait(_PAUSE_S):
            status, wait_ms = ground.timed_get(self._port, "/health/live")
            self._statuses.add(status)
            self.waits_ms.append(wait_ms)


def listed(ours: dict[str, Any]) -> int:
    """How many payments there are, page by page."""
    connection, cursor, count = http.client.HTTPConnection("127.0.0.1", ours["port"]), "", 0
    while True:
        connection.request("GET", f"/api/payments?limit=200{cursor}",
                           headers={"authorization": f"Bearer {ours['key']}"})  # fmt: skip
        page = json.loads(connection.getresponse().read())
        count += len(page["data"])
        if not page["pagination"]["hasMore"]:
            connection.close()
            return count
        cursor = f"&cursor={page['pagination']['nextCursor']}"
