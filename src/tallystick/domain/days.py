"""Days as a merchant counts them: where they begin and end in a time zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tallystick.domain.errors import Invalid

_DAY = timedelta(days=1)


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of this name, such as Asia/Ho_Chi_Minh. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(
            f"{name[:40]!r} is not a time zone; use a name such as Asia/Ho_Chi_Minh or UTC."
        ) from None


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The day that the calendar on the wall shows."""
    return at.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant that a day begins with. The last day that there is has no end: give it one."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant that the next day begins with."""
    return start_of(day + _DAY, zone)


def days(first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[date]:
    """Every day from one instant to another, both included."""
    day, end = day_of(first, zone), day_of(last, zone)
    while day <= end:
        yield day
        day += _DAY
