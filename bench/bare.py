"""What SQLite itself can do: a plain loop that writes one notice and commits, again and again."""

import json
import sqlite3
import sys
import time
from datetime import UTC, datetime
from typing import Any

from bench.notices import CLIENT_ID, requests
from tallystick.domain.credit import Credit
from tallystick.domain.evidence import Claim
from tallystick.domain.raw_bytes import Raw, digest
from tallystick.store import inbox


def rows(count: int, seed: int) -> list[tuple[Any, ...]]:
    """What the hub writes for so many notices, the last value of each an instant."""
    made, _ = requests(count, seed)
    now = datetime.now(UTC)
    credit = Credit("payos", CLIENT_ID, "FT26324a1b2c3d4e5f6", 50_000, "VND", now)
    return [
        inbox.row(
            f"ntc_{time.time_ns():020d}{number:08d}",
            gateway="payos",
            account=CLIENT_ID,
            event_id=f"{seed}:{time.time_ns()}:{number}",
            refs=("7340129480000001", "3d5f0c4b8f2b4b6d9d8a6c1f0e7b2a95"),
            claim=Claim.PENDING,
            credits_=[credit],
            raw=kept(one.partition(b"\r\n\r\n")[2]),
            now=now,
        )
        for number, one in enumerate(made)
    ]


def kept(body: bytes) -> Raw:
    """The bytes as they are kept; sealing is not the database's work."""
    head = b'{"headers":{"content-type":"application/json","user-agent":"axios/1.7.7"},"query":""}'
    return Raw(digest(body), b"\0" * 28 + head + b"\n" + body)


def main(wish: dict[str, Any]) -> dict[str, Any]:
    """Write until the time is over."""
    made = [(inbox.for_sqlite(row), (row[-1], row[0])) for row in rows(wish["count"], wish["seed"])]
    database = sqlite3.connect(wish["path"], isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        database.execute(f"PRAGMA {pragma}")
    started, done = time.perf_counter(), 0
    until = started + wish["seconds"]
    for notice, content in made:
        database.execute("BEGIN IMMEDIATE")
        database.execute(inbox.KEEP_NOTICE, notice)
        database.execute(inbox.KEEP_BYTES, content)
        database.execute("COMMIT")
        done += 1
        if time.perf_counter() >= until:
            break
    seconds = time.perf_counter() - started
    database.close()
    return {"per_s": done / seconds}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.stdin.readline()))))
