"""A token bucket: how many questions a gateway may be asked when nobody waits for the answer."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Budget:
    """Fills at `rate` tokens a second up to two seconds' worth. Starts full."""

    rate: float
    _tokens: float | None = None
    _at: datetime | None = None

    def take(self, now: datetime) -> bool:
        """Spend one token; False where none is left yet."""
        most = max(1.0, 2 * self.rate)
        gained = 0.0 if self._at is None else max(0.0, (now - self._at).total_seconds()) * self.rate
        tokens = most if self._tokens is None else min(most, self._tokens + gained)
        self._at = now
        self._tokens = tokens - 1 if tokens >= 1 else tokens
        return tokens >= 1
