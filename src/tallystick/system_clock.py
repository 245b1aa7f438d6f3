"""The machine's own time."""

from datetime import UTC, datetime


class SystemClock:
    """Payments live by the machine's time, and leases do."""

    def now(self) -> datetime:
        """Now, aware, in UTC."""
        return datetime.now(UTC)

    def real_now(self) -> datetime:
        """The same."""
        return datetime.now(UTC)
