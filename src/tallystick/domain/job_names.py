"""The names of the background jobs: a merchant's settings, cron and the schedule all say them."""

from typing import Final

JOB_NAMES: Final = (
    "expired-links", "stuck-payments", "poll-gateways", "read-statements", "read-disputes",
    "retry-inbox", "deliver-events", "release-holds", "refresh-rates", "sync-discounts",
    "send-refunds", "audit", "reconcile", "tidy",
)  # fmt: skip


def known_job(name: str) -> str:
    """The name, where there is such a job. Raises ValueError, which names those that there are."""
    if name not in JOB_NAMES:
        raise ValueError(f"there is no job {name[:40]!r}; there are {', '.join(JOB_NAMES)}")
    return name
