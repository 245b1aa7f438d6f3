"""The two Python clients as one caller, so that each test holds for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tallystick.client import AsyncTallystick, Tallystick

Ask = Callable[[Any], Any]


class Blocking:
    """`Tallystick`."""

    kind: Any = Tallystick

    def __init__(self, url: str, key: str | None = None, **words: Any) -> None:
        self.make = lambda: self.kind(url, key, **{"backoff_s": 0.01, **words})

    def result(self, ask: Ask) -> Any:
        """The answer to one call."""
        with self.make() as hub:
            return ask(hub)

    def each(self, ask: Ask, told: Callable[[Any], None] = lambda _: None) -> list[Any]:
        """All that an iterator gives; each is told as it comes."""
        seen = []
        with self.make() as hub:
            for one in ask(hub):
                told(one)
                seen.append(one)
        return seen


class Awaiting(Blocking):
    """`AsyncTallystick`."""

    kind = AsyncTallystick

    def result(self, ask: Ask) -> Any:
        """The answer to one call."""

        async def run() -> Any:
            async with self.make() as hub:
                return await ask(hub)

        return asyncio.run(run())

    def each(self, ask: Ask, told: Callable[[Any], None] = lambda _: None) -> list[Any]:
        """All that an iterator gives; each is told as it comes."""

        async def run() -> list[Any]:
            seen = []
            async with self.make() as hub:
                async for one in ask(hub):
                    await asyncio.to_thread(told, one)
                    seen.append(one)
            return seen

        return asyncio.run(run())


CALLERS = [pytest.param(Blocking, id="blocking"), pytest.param(Awaiting, id="awaiting")]
