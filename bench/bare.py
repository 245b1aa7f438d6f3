"""What SQLite itself can do: a plain loop that writes one notice and commits, again and again."""

import json
import sqlite3
import sys
import time
from typing import Any

from bench.notices import CLIENT_ID, requests

INSERT = (
    "INSERT INTO inbox (id, gateway, account, event_id, refs, claim, credits, headers, query, "
    "body, received_at, due_at, tries, payment_id, handled_at, error) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
REFS = '["7340129480000001","3d5f0c4b8f2b4b6d9d8a6c1f0e7b2a95"]'
CREDITS = (
    '[{"gateway":"payos","account":"bench-client","transactionId":"FT26324a1b2c3d4e5f6",'
    '"amount":50000,"currency":"VND","at":"2026-11-20T09:25:00+00:00"}]'
)
HEADERS = '{"content-type":"application/json","user-agent":"axios/1.7.7"}'


def rows(count: int, seed: int) -> list[tuple[Any, ...]]:
    """Rows as the hub writes them."""
    made, _ = requests(count, seed)
    now = time.time_ns() // 1000
    return [
        (f"ntc_{now:013d}{seed:05d}{number:08d}", "payos", CLIENT_ID, f"{seed}:{number}", REFS,
         "pending", CREDITS, HEADERS, "", one.partition(b"\r\n\r\n")[2], now, now, 0, None, None,
         None)
        for number, one in enumerate(made)
    ]  # fmt: skip


def main(wish: dict[str, Any]) -> dict[str, Any]:
    """Write until the time is over."""
    waiting = iter(rows(wish["count"], wish["seed"]))
    database = sqlite3.connect(wish["path"], isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        database.execute(f"PRAGMA {pragma}")
    started, done = time.perf_counter(), 0
    until = started + wish["seconds"]
    for row in waiting:
        database.execute(INSERT, row)
        done += 1
        if time.perf_counter() >= until:
            break
    seconds = time.perf_counter() - started
    database.close()
    return {"per_s": done / seconds, "cpu_s": time.process_time()}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.stdin.readline()))))
