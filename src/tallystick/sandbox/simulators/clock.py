"""The virtual clock: real time plus an offset that only grows and survives a restart."""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

from tallystick.domain.errors import Invalid
from tallystick.sandbox.simulators.books import Books

_OFFSET: Final = "clock.offset_s"
_FARTHEST_S: Final = 10 * 366 * 86_400


class VirtualClock:
    """What time it is for the simulators. The hub under `dev` lives by it too."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._offset_s = float(books.fact(_OFFSET) or 0)

    @property
    def offset_s(self) -> float:
        """How far it is ahead of the real time, in seconds."""
        return self._offset_s

    def now(self) -> datetime:
        """The virtual time, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._offset_s)

    def advance(self, seconds: float) -> datetime:
        """Move on by so many seconds, durably. Raises Invalid for a step back or out of reason."""
        if math.isnan(seconds) or seconds < 0:
            raise Invalid("The clock only goes forward: give a number of seconds from 0 up.")
        if self._offset_s + seconds > _FARTHEST_S:
            raise Invalid("The clock stays within ten years of the real time.")
        self._books.keep_fact(_OFFSET, repr(self._offset_s + seconds))
        self._offset_s += seconds
        return self.now()
