"""The port of a simulated gateway, with what its books are made of."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

from starlette.routing import BaseRoute

# What a gateway tells in one notice, before it is signed and put into bytes.
Event: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that arrived. `content` is what the payer's bank made of the memo.

    `entered_at` is when it was entered in the books, where that was later.
    """

    reference: str
    amount: int
    currency: str
    at: datetime
    content: str = ""
    entered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One offer as the gateway's books have it.

    `ref` is the hub's name for it, `id` the gateway's own. `status` is in the gateway's words.
    `terms` holds what only this gateway knows.
    """

    gateway: str
    ref: str
    id: str
    amount: int
    currency: str
    status: str
    created_at: datetime
    expires_at: datetime | None
    return_url: str
    cancel_url: str
    terms: Mapping[str, Any] = field(default_factory=dict)
    transfers: tuple[Transfer, ...] = ()

    @property
    def received(self) -> int:
        """What arrived in the order's own currency."""
        return sum(t.amount for t in self.transfers if t.currency == self.currency)

    @property
    def due(self) -> int:
        """What is still to be paid, never below 0."""
        return max(0, self.amount - self.received)

    def document(self) -> str:
        """The order as JSON, for the books."""
        return json.dumps(asdict(self), default=datetime.isoformat)

    @classmethod
    def of(cls, document: str) -> Self:
        """Read back what `document` wrote."""
        read = json.loads(document)
        for name in ("created_at", "expires_at"):
            read[name] = read[name] and datetime.fromisoformat(read[name])
        for row in read["transfers"]:
            for name in ("at", "entered_at"):
                row[name] = row.get(name) and datetime.fromisoformat(row[name])
        read["transfers"] = tuple(Transfer(**row) for row in read["transfers"])
        return cls(**read)


@dataclass(frozen=True, slots=True)
class Change:
    """What something did to an order, and what the gateway has to tell about it."""

    order: Order
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A notice as it goes over the wire; to `url` where that is not the hub's webhook address."""

    headers: Mapping[str, str]
    body: bytes
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Traits:
    """What this gateway can do and how it behaves; acts decide by this and never by a name.

    `currencies` empty means all. `splits`: one offer takes several transfers. `asks`: the hub can
    put its own question. `retries_s`: the waits after a notice that was not answered with 2xx.
    `page` is the path of the payer's page, with `{id}` in it. `unpaid` is the status of an offer
    without money, where one with none could not say that it is paid. `shared`: money of strangers
    comes to the same account. `grows`: its lists of values get longer, and an order with
    `terms["tomorrow"]` shows what readers then meet.
    """

    title: str
    currencies: frozenset[str]
    page: str
    retries_s: tuple[float, ...]
    splits: bool = True
    asks: bool = True
    refunds: bool = False
    unpaid: str | None = None
    shared: bool = False
    grows: bool = False


class Simulator(Protocol):
    """One gateway's other side. Methods that change an order only compute it."""

    name: str
    traits: Traits

    def routes(self) -> list[BaseRoute]:
        """The API that the adapter calls, relative to `/_sim/{name}`, with faults guarded in."""
        ...

    def as_of(self, order: Order, now: datetime) -> Order:
        """The order as it stands now: an open one past its time is over."""
        ...

    def take(self, order: Order, transfer: Transfer) -> Change:
        """Money arrives, wanted or not."""
        ...

    def cancel(self, order: Order, now: datetime) -> Change:
        """The payer gives up. Raises Conflict where it is paid already."""
        ...

    def decline(self, order: Order, now: datetime) -> Change:
        """The payment fails. Raises Conflict where it is paid already."""
        ...

    def reference(self, rng: Random, now: datetime) -> str:
        """A name for a transfer, in this gateway's form."""
        ...

    def memo(self, order: Order) -> str | None:
        """What the payer writes with a transfer, or None where there is no such thing."""
        ...

    def seal(self, event: Event, at: datetime, *, rightly: bool) -> Message:
        """Sign at this time and put into bytes; with a wrong key where not `rightly`."""
        ...

    def qr_code(self, order: Order) -> str:
        """What the payer scans."""
        ...

    def way_back(self, order: Order, *, canceled: bool) -> str:
        """Where the payer's browser goes afterwards, with the gateway's own query."""
        ...


@runtime_checkable
class Caller(Protocol):
    """A simulator that has to ask the hub before it can act (GovPay+)."""

    async def prepare(self, our_ref: str, act: str) -> None:
        """Called before an act. Raises NotFound, Conflict where the hub's answer forbids it."""
        ...

    async def log_in(self) -> None:
        """Called before a notice is sealed, so that it carries a token that is still good."""
        ...


@runtime_checkable
class Refunder(Protocol):
    """A simulator whose merchant can give money back in the gateway's own dashboard."""

    def refund(self, order: Order, amount: int, now: datetime) -> Change:
        """Money goes back. Raises Conflict where there is not so much."""
        ...


@runtime_checkable
class Reverser(Protocol):
    """A simulator that can go back on its word about money that had come, or had gone back."""

    def reverse_refund(self, order: Order, now: datetime) -> Change:
        """The last refund that went through comes back. Raises Conflict where there is none."""
        ...

    def charge_back(self, order: Order, state: str, now: datetime) -> Change:
        """The payer's bank disputes the last payment: `open`, then `lost` or `won`."""
        ...


@runtime_checkable
class SlowRefunder(Protocol):
    """A simulator whose refunds may have to wait for the payer's bank."""

    def slow_refunds(self, order: Order) -> Change:
        """From now on refunds of this order are pending first."""
        ...

    def finish_refund(self, order: Order, now: datetime) -> Change:
        """The last pending refund goes through. Raises Conflict where there is none."""
        ...


@runtime_checkable
class HearsOutcome(Protocol):
    """A simulator that wants to know how its notices ended."""

    def ended(self, *, arrived: bool) -> None:
        """A notice was answered with 2xx, or is given up."""
        ...


@runtime_checkable
class OpenedByPayer(Protocol):
    """A simulator that hears of an offer only when the payer opens the checkout's address."""

    def opened(self, query: str) -> Order:
        """Take in the offer that the address describes. Raises Invalid where it does not."""
        ...
