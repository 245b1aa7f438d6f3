"""Jobs, with the cron secret as the key; and the gateways that are set up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tallystick.client.calls import Call, act, get, place
from tallystick.client.endpoints import L, Resource, endpoint, listed
from tallystick.client.pages import Page, listing
from tallystick.client.reading import Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Thing):
    """One run of a job; its duration is in milliseconds."""

    start_time: datetime
    end_time: datetime
    success: bool
    job_name: str | None = None
    duration: float | None = None
    result: Mapping[str, Any] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(Thing):
    """How a job has fared; the duration is in milliseconds, the rate in percent."""

    total_executions: int
    success_count: int
    failure_count: int
    average_duration: float
    success_rate: float
    last_execution: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Thing):
    """A job and its last runs."""

    job_name: str
    stats: Stats
    recent_executions: tuple[Run, ...]
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Thing):
    """A job among all; it runs `every` so many seconds, unless it is switched off."""

    job_name: str
    enabled: bool
    every: int
    running: bool
    stats: Stats
    last_run_at: datetime | None = None
    next_run_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway(Thing):
    """A gateway that is set up, what it can do, and how it has fared (in `health`)."""

    name: str
    title: str
    verifies: str
    refunds: str
    cancels: bool
    webhooks: bool
    currencies: tuple[str, ...] | None = None
    health: Mapping[str, Any] | None = None


class Jobs(Resource[L]):
    """`hub.jobs`."""

    @listed
    def list(self) -> Call[Page[Job]]:
        """All jobs, those that are switched off too."""
        return listing("/api/jobs", Job.read)

    @endpoint
    def run(self, name: str) -> Call[Run]:
        """Run a job now. Raises Conflict where it is running already, or is switched off."""
        return act(place("/api/jobs/{}", name), Run.read, repeatable=False)

    @endpoint
    def get(self, name: str) -> Call[History]:
        """How a job has fared."""
        return get(place("/api/jobs/{}", name), History.read)


class Gateways(Resource[L]):
    """`hub.gateways`."""

    @listed
    def list(self) -> Call[Page[Gateway]]:
        """All gateways that are set up."""
        return listing("/api/gateways", Gateway.read)
