"""Whether our clock can be believed: what the gateways' answers say about it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

LARGEST_DIFFERENCE: Final = timedelta(minutes=2)
FRESH: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a gateway's clock was ahead of ours at `at`, by ours."""

    ahead: timedelta
    at: datetime

    @property
    def agrees(self) -> bool:
        """Whether that is within what networks and whole seconds explain."""
        return abs(self.ahead) <= LARGEST_DIFFERENCE


@dataclass(slots=True)
class GatewayClocks:
    """The latest reading of each host that we asked over HTTP.

    That two clocks agree by chance while one of them is wrong does not happen: one gateway that
    agrees with us is proof enough, against others whose clock is wrong.
    """

    readings: dict[str, Reading] = field(default_factory=dict)
    jumped: bool = False
    timeless: bool = False
    """Whether there are answers that do not say what time it is."""

    def note(self, host: str, theirs: datetime, ours: datetime) -> None:
        """A gateway's answer says what time it is there."""
        self.readings[host] = Reading(theirs - ours, ours)
        if self.readings[host].agrees:
            self.jumped = False

    def forget(self) -> None:
        """Our clock jumped: what was read before says nothing any more."""
        self.jumped = True
        self.readings.clear()

    def doubt(self, now: datetime) -> str | None:
        """Why our clock must not close anything, or None."""
        if not self.readings:
            waits = self.jumped and not self.timeless
            return "The clock jumped, and no gateway has confirmed it yet." if waits else None
        newest = max(reading.at for reading in self.readings.values())
        fresh = {
            host: reading
            for host, reading in self.readings.items()
            if reading.at >= max(newest, now) - FRESH or reading.at == newest
        }
        if any(reading.agrees for reading in fresh.values()):
            return None
        host, worst = max(fresh.items(), key=lambda pair: abs(pair[1].ahead))
        return f"This machine and {host} differ by {abs(worst.ahead).total_seconds():.0f} s."
