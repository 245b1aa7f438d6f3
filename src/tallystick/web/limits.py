"""Rate limits, as a table: what is limited, for whom, and how far."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from tallystick.domain.errors import NotConfigured, TooMany
from tallystick.settings import Settings

LIMITS: Final[Mapping[str, str]] = {
    "polling": "300 per 15 minutes",
    "anonymous": "100 per 15 minutes",
    "key": "10000 per 15 minutes",
    "pages": "30 per 1 minute",
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
    """Counts in memory, or in Redis where several processes share the limits."""

    def __init__(self, settings: Settings) -> None:
        storage: Storage = MemoryStorage()
        if settings.redis_url is not None:
            storage = RedisStorage(f"async+{settings.redis_url}", implementation="redispy")
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._on = settings.rate_limits
        self._items = items(settings.rate_limit_overrides)

    async def wait_s(self, name: str, who: str) -> int:
        """Seconds until one more would be allowed, without counting it; 0 where it is now."""
        item = self._items[name]
        if not self._on or await self._limiter.test(item, name, who):
            return 0
        window = await self._limiter.get_window_stats(item, name, who)
        return max(1, int(window.reset_time - time.time()) + 1)

    async def spend(self, name: str, who: str) -> Standing | None:
        """Count one request; None where nothing is limited."""
        if not self._on:
            return None
        item = self._items[name]
        allowed = await self._limiter.hit(item, name, who)
        window = await self._limiter.get_window_stats(item, name, who)
        reset_s = max(1, int(window.reset_time - time.time()) + 1)
        left = max(0, window.remaining) if allowed else 0
        return Standing(name, item.amount, item.get_expiry(), left, reset_s, allowed)


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
