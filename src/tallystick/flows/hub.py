"""What a flow may use: the database, the gateways, the fulfilments, the watchers and the time."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from tallystick.access import Access
from tallystick.domain.clocks import GatewayClocks
from tallystick.domain.errors import GatewayNotOffered, NotFound
from tallystick.domain.payment import Attempt
from tallystick.domain.sealing import Masters
from tallystick.domain.snapshot import Snapshot
from tallystick.flows.circuit import Circuit
from tallystick.flows.extensions import NO_EXTENSIONS, Extensions
from tallystick.flows.fulfilment import Fulfilment
from tallystick.gateways.base import Gateway
from tallystick.mail import Mail
from tallystick.settings import Settings
from tallystick.store.database import Database

T = TypeVar("T")


class Clock(Protocol):
    """Where time comes from. Everything but leases runs on `now`, which a sandbox may move."""

    def now(self) -> datetime:
        """The time that payments live by, aware, in UTC."""
        ...

    def real_now(self) -> datetime:
        """The machine's own time, for leases between processes."""
        ...


class Live(Protocol):
    """Tells whoever watches. Losing a message costs a browser one poll, nothing else."""

    def publish(self, snapshot: Snapshot) -> None:
        """Show the whole new state to everyone who watches this payment."""
        ...

    def watched(self, payment_id: str) -> bool:
        """Whether somebody stands before the till right now."""
        ...


class RateSource(Protocol):
    """Where live exchange rates come from."""

    async def ask(self) -> Mapping[str, Decimal]:
        """Units of each currency for one US dollar. Raises Unavailable."""
        ...


@dataclass(slots=True)
class WorkSignal:
    """Rings for everyone who waits for work, so that nobody has to look all the time."""

    _listeners: list[asyncio.Event] = field(default_factory=list)

    def listener(self) -> asyncio.Event:
        """An event of one's own: set by every ring, cleared by its owner."""
        event = asyncio.Event()
        self._listeners.append(event)
        return event

    def ring(self) -> None:
        """There is something to do."""
        for event in self._listeners:
            event.set()


@dataclass(slots=True)
class GatewayErrors:
    """Calls to one gateway that got no usable answer since this process started."""

    count: int = 0
    last: str | None = None
    last_at: datetime | None = None


@dataclass(slots=True)
class Hub:
    """Everything a flow may touch. Made once, in wiring."""

    database: Database
    gateways: Mapping[str, Gateway]
    fulfilments: Mapping[str, Fulfilment]
    live: Live
    clock: Clock
    settings: Settings
    secret: Masters
    holder: str
    mail: Mail
    former: Sequence[Gateway] = ()
    """Accounts that gateways had before: they take no new offers, and are listened to."""

    work_signal: WorkSignal = field(default_factory=WorkSignal)
    going_on: set["asyncio.Task[Any]"] = field(default_factory=set)
    """Work that whoever began it waits for no more; a set, or nobody would hold it."""

    circuits: dict[str, Circuit] = field(default_factory=dict)
    gateway_errors: dict[str, GatewayErrors] = field(default_factory=dict)
    sending: Counter[str] = field(default_factory=Counter)
    """How many deliveries are under way to each webhook endpoint."""

    rates: RateSource | None = None
    rates_silent_since: datetime | None = None
    sandbox: bool = False
    access: Access | None = None
    extensions: Extensions = NO_EXTENSIONS
    """What is sold adds its own effects, jobs, e-mails, checks and the like."""

    expiry_held_until: datetime | None = None
    gateway_clocks: GatewayClocks = field(default_factory=GatewayClocks)
    _alone: "WeakValueDictionary[str, asyncio.Lock]" = field(default_factory=WeakValueDictionary)

    def now(self) -> datetime:
        """The time that payments live by."""
        return self.clock.now()

    def jitter(self) -> float:
        """A number in [0, 1) that spreads timers; nothing secret depends on it."""
        return random.random()  # noqa: S311

    def alone(self, payment_id: str) -> asyncio.Lock:
        """A lock for one payment in this process, so that its questions are not put twice."""
        lock = self._alone.get(payment_id)
        if lock is None:
            lock = self._alone[payment_id] = asyncio.Lock()
        return lock

    def gateway(self, name: str) -> Gateway:
        """The configured gateway of this name. Raises GatewayNotOffered."""
        gateway = self.gateways.get(name)
        if gateway is None:
            offered = ", ".join(sorted(self.gateways)) or "none"
            raise GatewayNotOffered(
                f"The gateway {name[:40]!r} is not set up; these are: {offered}."
            )
        return gateway

    @property
    def accounts(self) -> list[Gateway]:
        """Every account that is listened to, those of now first."""
        return [*self.gateways.values(), *self.former]

    def account(self, name: str, account: str) -> Gateway | None:
        """The gateway with the keys of this account, of now or of before; None where none has."""
        return next(
            (one for one in self.accounts if (one.name, one.account) == (name, account)), None
        )

    def gateway_of(self, attempt: Attempt) -> Gateway | None:
        """The gateway that an offer was made at, or None where its account is not configured."""
        return self.account(attempt.gateway, attempt.account)

    def go_on(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Work that is finished even if whoever began it stops waiting for it."""
        task = asyncio.get_running_loop().create_task(work)
        self.going_on.add(task)
        task.add_done_callback(self._over)
        return task

    async def stop(self) -> None:
        """Let go of what still goes on; timers take it up again."""
        for task in tuple(self.going_on):
            task.cancel()
        await asyncio.gather(*self.going_on, return_exceptions=True)

    def _over(self, task: "asyncio.Task[Any]") -> None:
        self.going_on.discard(task)
        # Whoever waits for it hears of a failure; else it has been written down.
        if not task.cancelled():
            task.exception()

    def note_gateway_error(self, name: str, what: str) -> None:
        """A gateway gave no usable answer; operators see it."""
        trouble = self.gateway_errors.setdefault(name, GatewayErrors())
        trouble.count += 1
        trouble.last, trouble.last_at = what, self.now()

    def circuit(self, name: str) -> Circuit:
        """How this process stands with a gateway."""
        return self.circuits.setdefault(name, Circuit())

    def why_nothing_expires(self, now: datetime) -> str | None:
        """Why our clock must not close anything now, or None. A virtual clock is always right."""
        if self.expiry_held_until is not None and now < self.expiry_held_until:
            return "The clock jumped a moment ago."
        anybody = any(one.capabilities.asks for one in self.gateways.values())
        return self.gateway_clocks.doubt(now) if anybody and not self.sandbox else None


def found(thing: Snapshot | None, what: str = "payment") -> Snapshot:
    """The thing, or NotFound: unknown and foreign are answered the same way."""
    if thing is None:
        raise NotFound(f"There is no {what} with this id that you may see.")
    return thing
