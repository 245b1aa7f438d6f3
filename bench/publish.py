"""Publishes events at a pace, and remembers when each one left."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any


class Publisher:
    """`publish(topic, version)` shows one event; versions only grow."""

    version = 1000

    def __init__(self, publish: Callable[[str, int], None]) -> None:
        self._publish = publish

    async def run(self, wish: dict[str, Any]) -> dict[str, Any]:
        """`count` events to topics drawn by chance, `per_s` of them or as fast as they go."""
        luck = random.Random(wish.get("seed", 1))
        pause_s = 1 / wish["per_s"] if wish.get("per_s") else 0.0
        left: list[list[Any]] = []
        started = time.perf_counter()
        for number in range(wish["count"]):
            behind = started + number * pause_s - time.perf_counter()
            if pause_s and behind > 0:
                await asyncio.sleep(behind)
            elif number % 20 == 0:
                await asyncio.sleep(0)
            topic = luck.choice(wish["topics"])
            Publisher.version += 1
            left.append([topic, Publisher.version, time.monotonic_ns()])
            self._publish(topic, Publisher.version)
        return {"left": left}
