"""One act while it is done, and what it may use of the gateway's books."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tallystick.domain.errors import NotFound
from tallystick.sandbox.simulators.base import Change, Event, Order, Simulator, Transfer
from tallystick.sandbox.simulators.books import Books, Delivery
from tallystick.sandbox.simulators.faults import Faults


@dataclass(slots=True)
class ActContext:
    """What an act may use, and what it has done so far."""

    books: Books
    faults: Faults
    simulator: Simulator
    ref: str
    now: datetime
    rng: Random
    amount: int | None = None
    currency: str | None = None
    delay_s: float = 0.0
    times: int | None = None
    moved: list[Transfer] = field(default_factory=list)
    posted: list[Delivery] = field(default_factory=list)

    def order(self) -> Order:
        """The order as it stands now. Raises NotFound where its create never arrived."""
        order = self.books.order(self.simulator.name, self.ref)
        if order is None:
            raise NotFound(f"The simulated {self.simulator.name} knows no order {self.ref[:64]!r}.")
        return self.simulator.as_of(order, self.now)

    def owed(self) -> int:
        """What a payer who pays exactly pays: the rest, or all again where nothing is left."""
        order = self.order()
        return order.due or order.amount

    def money(self, amount: int, currency: str | None = None, memo: str | None = None) -> Transfer:
        """A transfer that could arrive; it has not."""
        order, name = self.order(), self.simulator.reference(self.rng, self.now)
        content = memo or self.simulator.memo(order) or ""
        return Transfer(name, amount, currency or order.currency, self.now, content)

    def arrive(self, transfer: Transfer) -> tuple[Event, ...]:
        """The money arrives and is in the gateway's books; the answer is what it has to tell."""
        self.moved.append(transfer)
        return self.keep(self.simulator.take(self.order(), transfer))

    def keep(self, change: Change) -> tuple[Event, ...]:
        """Write a change into the gateway's books."""
        self.books.keep(change.order)
        return change.events

    def tell(self, events: tuple[Event, ...], **how: Any) -> None:
        """Put notices on their way; `how` are fields of Delivery."""
        due = how.pop("due", self.now + timedelta(seconds=self.delay_s))
        for event in events:
            delivery = Delivery(self.simulator.name, self.ref, event, due, **how)
            self.posted.append(self.books.post(delivery))
