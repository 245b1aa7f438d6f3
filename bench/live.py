"""Live push to open streams, beside Starlette with a queue for each client."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import ground
from bench.load import share

STREAMS: Final = 1000
EVENTS_PER_S: Final = 500
SECONDS: Final = 3
BURST: Final = 5000
FAN_OUTS: Final = 7
WARM: Final = 64
NOTICES: Final = 300
NOTICES_PER_S: Final = 100
# How long an event may be on its way before it counts as lost.
PATIENCE_S: Final = 20


@dataclass(slots=True)
class Browsers:
    """A process that watches."""

    running: subprocess.Popen[str]
    opened_s: float

    def came(self) -> list[list[Any]]:
        """Topic, version and time of everything that came since the last call."""
        assert self.running.stdin is not None
        assert self.running.stdout is not None
        self.running.stdin.write("report\n")
        self.running.stdin.flush()
        answer: list[list[Any]] = json.loads(self.running.stdout.readline())
        return answer

    def wait_for(self, count: int) -> list[list[Any]]:
        """All `count` events. Fails where they do not come."""
        came: list[list[Any]] = []
        until = time.monotonic() + PATIENCE_S
        while len(came) < count:
            if time.monotonic() > until:
                raise RuntimeError(f"Of {count} events, {count - len(came)} did not come.")
            time.sleep(0.05)
            came += self.came()
        return came


@contextmanager
def browsers(port: int, streams: list[list[Any]]) -> Iterator[Browsers]:
    """Open these streams, each a topic, a path and a token, and hold them."""
    running = subprocess.Popen(
        [sys.executable, "-m", "bench.watch"], cwd=ground.ROOT, env=ground.environment(),
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        running.stdin.write(json.dumps({"port": port, "streams": streams}) + "\n")
        running.stdin.flush()
        yield Browsers(running, json.loads(running.stdout.readline())["seconds"])
    finally:
        running.terminate()
        running.wait()
        running.stdin.close()
        running.stdout.close()


@dataclass(frozen=True, slots=True)
class Side:
    """A server under test, and where its streams are."""

    told: dict[str, Any]
    topics: list[str]
    tokens: list[str | None]
    path: str

    def streams(self) -> list[list[Any]]:
        """One for each topic."""
        return [[topic, self.path.format(topic), token]
                for topic, token in zip(self.topics, self.tokens, strict=True)]  # fmt: skip


def publish(port: int, wish: dict[str, Any]) -> list[list[Any]]:
    """Let the server publish; topic, version and time of each event."""
    left: list[list[Any]] = ground.post(port, "/bench/publish", wish)["left"]
    return left


def measure(place: Path, rounds: int, streams: int = STREAMS) -> dict[str, Any]:
    """Both servers in turns; medians over the rounds."""
    ours: list[dict[str, float]] = []
    plain: list[dict[str, float]] = []
    book, made = payments(place, streams)
    for number in range(rounds):
        with hub(book, place / f"quiet-{number}.db", made, scheduler=False) as side:
            ours.append(load(side))
        with ground.process("bench.plain", {}) as told:
            topics = [f"topic-{one}" for one in range(streams)]
            plain.append(load(Side(told, topics, [None] * streams, "/streams/{}")))
        with hub(book, place / f"busy-{number}.db", made, scheduler=True) as side:
            ours[-1] |= knocked(side)
    return {"streams": streams, "ours": middle(ours), "plain": middle(plain)}


def payments(place: Path, count: int) -> tuple[Path, dict[str, Any]]:
    """A SQLite file with so many open payments, just asked about, and what their server told."""
    book = place / "book.db"
    wish = {"database": f"sqlite:///{book}", "payments": count, "fresh": True}
    with ground.process("bench.server", wish) as told:
        pass
    return book, told


@contextmanager
def hub(book: Path, copy: Path, made: dict[str, Any], *, scheduler: bool) -> Iterator["Side"]:
    """A server on a copy of the file."""
    shutil.copyfile(book, copy)
    wish = {"database": f"sqlite:///{copy}", "scheduler": scheduler, "orders": made["orders"]}
    with ground.process("bench.server", wish) as told:
        yield Side(told | {"orders": made["orders"]}, made["payments"], made["tokens"],
                   "/api/payments/{}/stream")  # fmt: skip


def middle(runs: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {name: median(run[name] for run in runs) for name in runs[0]}


def load(side: Side) -> dict[str, float]:
    """Everything that is measured of one server."""
    port, pid = side.told["port"], side.told["pid"]
    streams = len(side.topics)
    # What the server holds once and for all is not the streams' own.
    publish(port, {"topics": side.topics, "count": 0})
    with browsers(port, side.streams()[:WARM]):
        pass
    before = ground.memory_bytes(pid)
    with browsers(port, side.streams()) as watching:
        figures = {
            "new_streams_per_s": streams / watching.opened_s,
            "kib_a_stream": (ground.memory_bytes(pid) - before) / streams / 1024,
        }
        figures |= paced(side, watching) | burst(side, watching)
    return figures | fan_out(side, streams)


def waits_ms(left: list[list[Any]], came: list[list[Any]]) -> list[float]:
    """From leaving to arriving, sorted."""
    at = {(topic, version): time_ns for topic, version, time_ns in left}
    return sorted((time_ns - at[topic, version]) / 1e6 for topic, version, time_ns in came)


def paced(side: Side, watching: Browsers) -> dict[str, float]:
    """Events at a pace, each to one stream."""
    cpu_s = ground.cpu_s(side.told["pid"])
    count = EVENTS_PER_S * SECONDS
    left = publish(side.told["port"], {"topics": side.topics, "count": count,
                                       "per_s": EVENTS_PER_S})  # fmt: skip
    waits = waits_ms(left, watching.wait_for(count))
    cpu_s = ground.cpu_s(side.told["pid"]) - cpu_s
    return {"p50_ms": share(waits, 0.5), "p99_ms": share(waits, 0.99),
            "cpu_us_an_event": cpu_s / count * 1e6}  # fmt: skip


def burst(side: Side, watching: Browsers) -> dict[str, float]:
    """As many events as go, each to one stream."""
    left = publish(side.told["port"], {"topics": side.topics, "count": BURST})
    came = watching.wait_for(BURST)
    return {"burst_per_s": BURST / ((max(one[2] for one in came) - left[0][2]) / 1e9)}


def fan_out(side: Side, streams: int) -> dict[str, float]:
    """One event to everybody, until the last one has it."""
    topic, token = side.topics[-1], side.tokens[-1]
    waits = []
    with browsers(side.told["port"], [[topic, side.path.format(topic), token]] * streams) as all_:
        for _ in range(FAN_OUTS):
            left = publish(side.told["port"], {"topics": [topic], "count": 1})
            waits.append(waits_ms(left, all_.wait_for(streams))[-1])
    return {"fan_out_ms": median(waits)}


def knocked(side: Side) -> dict[str, float]:
    """From the webhook to the browser: kept, asked about, settled, told."""
    wish = {"port": side.told["port"], "per_s": NOTICES_PER_S, "topics": side.topics[:NOTICES],
            "orders": side.told["orders"][:NOTICES]}  # fmt: skip
    with browsers(side.told["port"], side.streams()) as watching:
        left = dict(ground.ask("bench.knock", wish))
        came = watching.wait_for(NOTICES)
    waits = sorted((at - left[topic]) / 1e6 for topic, _, at in came)
    return {"webhook_p50_ms": share(waits, 0.5), "webhook_p99_ms": share(waits, 0.99)}
