"""A gateway's budget: how many questions its account is asked in a second."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Final, Self

SAVED_S: Final = 1.0
"""So many seconds' worth of questions can be saved up: in no second more than twice the rate."""
AHEAD_S: Final = 10.0
"""Turns are booked so many seconds ahead at most."""
SHARE: Final = 4
"""Of so many questions, one goes to timers, however many are asked out of turn."""


@dataclass(frozen=True, slots=True)
class Budget:
    """`rate` questions a second. All that was spent is earned back at `spent_until`.

    One time says it all (the generic cell rate algorithm), so one compare-and-set spends it, and
    any number of processes share it. `asked` counts what was taken by timers.
    """

    rate: float
    spent_until: datetime | None = None
    asked: int = 0

    @property
    def most(self) -> int:
        """What can be saved up."""
        return max(1, ceil(SAVED_S * self.rate))

    def left(self, now: datetime) -> int:
        """How many questions may be put now."""
        return int((now - self._since(now)).total_seconds() * self.rate + 1e-6)

    def share(self, now: datetime, owed: int) -> int:
        """How many of them timers may put, where `owed` questions were put out of turn.

        Whoever knocked or watches goes first; timers have one in four all the same, so that
        nobody starves.
        """
        left = self.left(now)
        return max(left - self._bounded(owed), left // min(SHARE, self.most))

    def next_share(self, now: datetime, owed: int) -> datetime:
        """When timers may put the next one."""
        needed = min(self._bounded(owed) + 1, SHARE, self.most)
        return self._since(now) + timedelta(seconds=needed / self.rate, microseconds=1)

    def spend(self, now: datetime, taken: int, owed: int) -> tuple[Self, int]:
        """After timers took so many; also how much of what is owed is paid with it."""
        paid = max(0, min(self._bounded(owed), self.left(now) - taken))
        until = self._since(now) + timedelta(seconds=(taken + paid) / self.rate)
        return replace(self, spent_until=until, asked=self.asked + taken), paid

    def book(self, now: datetime, costs: int) -> tuple[Self, float]:
        """A turn for what somebody waits for: how many seconds it is away, and what is left."""
        until = self._since(now) + timedelta(seconds=costs / self.rate)
        return replace(self, spent_until=until), max(0.0, (until - now).total_seconds())

    def _bounded(self, owed: int) -> int:
        """What was asked long ago has been earned back meanwhile."""
        return max(0, min(owed, self.most))

    def _since(self, now: datetime) -> datetime:
        saved = now - timedelta(seconds=self.most / self.rate)
        # Nobody books further ahead: a later time was written by a clock that was set back.
        if self.spent_until is None or self.spent_until > now + timedelta(seconds=AHEAD_S):
            return saved
        return max(saved, self.spent_until)
