"""Rate limits, as a table: what is limited, for whom, and how far."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from limits import RateLimitItem, WindowStats, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from tallystick.domain.errors import NotConfigured, TooMany
from tallystick.settings import Settings
from tallystick.web.shared_counts import SharedCounts

T = TypeVar("T")

LIMITS: Final[Mapping[str, str]] = {
    "polling": "300 per 15 minutes",
    "anonymous": "100 per 15 minutes",
    "key": "10000 per 15 minutes",
    "pages": "30 per 1 minute",
    "payer_pages": "120 per 1 minute",
    "desk": "600 per 1 minute",
    "gift_card_guesses": "30 per 15 minutes",
    "gift_card_guesses_in_all": "300 per 15 minutes",
}
"""Each may be overridden by TALLYSTICK_RATE_LIMIT_OVERRIDES, a JSON object of the same form."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one caller stands with one limit."""

    name: str
    most: int
    window_s: int
    left: int
    reset_s: int
    allowed: bool = True

    def require(self) -> None:
        """Raises TooMany, which says when to come back."""
        if not self.allowed:
            raise TooMany(
                f"More than {self.most} requests in {self.window_s} s; "
                f"wait {self.reset_s} s, or use the stream instead of polling.",
                retry_after_s=self.reset_s,
            )

    def headers(self) -> dict[str, str]:
        """The RateLimit fields of the answer."""
        return {
            "ratelimit": f'"{self.name}";r={self.left};t={self.reset_s}',
            "ratelimit-policy": f'"{self.name}";q={self.most};w={self.window_s}',
        }


class RateLimits:
    """Counts in Redis where several processes share the limits; in memory elsewhere and meanwhile.

    A process that has lost Redis counts anew, for itself: too much is let in, and nobody kept out.
    """

    def __init__(self, settings: Settings) -> None:
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = None if settings.redis_url is None else SharedCounts(settings.redis_url)
        self._on = settings.rate_limits
        self._items = items(settings.rate_limit_overrides)

    async def wait_s(self, name: str, who: str) -> int:
        """Seconds until one more would be allowed, without counting it; 0 where it is now."""
        if not self._on:
            return 0
        item = self._items[name]

        async def look(limiter: SlidingWindowCounterRateLimiter) -> int:
            if await limiter.test(item, name, who):
                return 0
            return _reset_s(await limiter.get_window_stats(item, name, who))

        return await self._ask(look)

    async def spend(self, name: str, who: str) -> Standing | None:
        """Count one request; None where nothing is limited."""
        if not self._on:
            return None
        item = self._items[name]

        async def hit(limiter: SlidingWindowCounterRateLimiter) -> Standing:
            allowed = await limiter.hit(item, name, who)
            window = await limiter.get_window_stats(item, name, who)
            left = max(0, window.remaining) if allowed else 0
            return Standing(name, item.amount, item.get_expiry(), left, _reset_s(window), allowed)

        return await self._ask(hit)

    async def redis_answers(self) -> bool | None:
        """Whether Redis is there; None where it is not set."""
        return None if self._shared is None else await self._shared.answers()

    async def close(self) -> None:
        """Let go of Redis."""
        if self._shared is not None:
            await self._shared.close()

    async def _ask(self, question: Callable[[SlidingWindowCounterRateLimiter], Awaitable[T]]) -> T:
        shared = None if self._shared is None else await self._shared.ask(question)
        return await question(self._own) if shared is None else shared


def _reset_s(window: WindowStats) -> int:
    return max(1, int(window.reset_time - time.time()) + 1)


def items(overrides: Mapping[str, str]) -> dict[str, RateLimitItem]:
    """The table with what the merchant set in its place. Raises NotConfigured."""
    try:
        made = {name: parse(text) for name, text in {**LIMITS, **overrides}.items()}
    except ValueError as error:
        raise _misspelt(f"holds a limit that cannot be read ({error})") from error
    unknown = sorted(made.keys() - LIMITS.keys())
    if unknown:
        raise _misspelt(f"names {', '.join(unknown)}; the limits are {', '.join(sorted(LIMITS))}")
    return made


def _misspelt(what: str) -> NotConfigured:
    return NotConfigured(
        f"TALLYSTICK_RATE_LIMIT_OVERRIDES {what}: "
        'write it as JSON, for example {"polling": "600 per 15 minutes"}.'
    )
