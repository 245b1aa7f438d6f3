"""The load generator: a process of its own that keeps connections open and pipelines nothing.

Reads one JSON line of what to do, and prints one JSON line of what came of it.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

from bench.notices import Order, requests


class Caller(asyncio.Protocol):
    """One connection: sends the next request as soon as the last one was answered."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._answer = b""
        self._sent_at = 0.0
        self._event = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self.send()

    def send(self) -> None:
        following = self._run.following()
        if following is None:
            self._transport.close()
            self._run.leave()
            return
        request, self._event = following
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer = answer = self._answer + data
        end = answer.find(b"\r\n\r\n")
        if end < 0 or len(answer) < end + 4 + content_length(answer[:end]):
            return
        self._run.note(int(answer[9:12]), self._event, time.perf_counter() - self._sent_at)
        self._answer = b""
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        self._run.leave()


def content_length(head: bytes) -> int:
    """How long the body will be."""
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


class Run:
    """All connections together, until the time is over or nothing is left to send."""

    def __init__(self, made: list[bytes], events: list[int], seconds: float) -> None:
        self._left = iter(zip(made, events, strict=True))
        self._seconds = seconds
        self._until = 0.0
        self._open = 0
        self.waits: list[float] = []
        self.statuses: dict[int, int] = {}
        self.kept: set[int] = set()
        self.exhausted = False
        self.over = asyncio.Event()

    def following(self) -> tuple[bytes, int] | None:
        if time.perf_counter() >= self._until:
            return None
        found = next(self._left, None)
        self.exhausted = self.exhausted or found is None
        return found

    def note(self, status: int, event: int, wait_s: float) -> None:
        self.waits.append(wait_s)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status == 200:
            self.kept.add(event)

    def leave(self) -> None:
        self._open -= 1
        if self._open <= 0:
            self.over.set()

    async def go(self, port: int, connections: int) -> float:
        """Run it; how long it took, in seconds."""
        loop = asyncio.get_running_loop()
        self._open = 2 * connections  # each leaves twice: nothing left to send, and closed
        started = time.perf_counter()
        self._until = started + self._seconds
        for _ in range(connections):
            await loop.create_connection(lambda: Caller(self), "127.0.0.1", port)
        await asyncio.wait_for(self.over.wait(), self._seconds + 30)
        return time.perf_counter() - started


def share(sorted_: list[float], part: float) -> float:
    """The value that this part of all is below, or 0 where there are none."""
    return sorted_[min(len(sorted_) - 1, int(len(sorted_) * part))] if sorted_ else 0.0


async def main(wish: dict[str, Any]) -> dict[str, Any]:
    """Do what the line asks for."""
    if "raw" in wish:
        made, events = [one.encode() for one in wish["raw"]] * wish["count"], []
        events = list(range(len(made)))
    else:
        about = [Order(code, link) for code, link in wish.get("about", ())]
        made, events = requests(wish["count"], wish["seed"], halved=wish["halved"], about=about)
    run = Run(made, events, wish["seconds"])
    seconds = await run.go(wish["port"], wish["connections"])
    waits = sorted(run.waits)
    return {
        "seconds": seconds,
        "statuses": run.statuses,
        "kept": len(run.kept),
        "exhausted": run.exhausted,
        "per_s": len(waits) / seconds,
        "p50_ms": share(waits, 0.5) * 1000,
        "p99_ms": share(waits, 0.99) * 1000,
        "cpu_s": time.process_time(),
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(json.loads(sys.stdin.readline())))))
