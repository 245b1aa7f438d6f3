"""What some gateways can do beside taking money: read accounts, give back, keep discounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol, Self, runtime_checkable

from tallystick.domain.credit import Credit
from tallystick.domain.dispute import Dispute
from tallystick.domain.money import Money
from tallystick.domain.reconciliation import Entry
from tallystick.gateways.base import AttemptRef

OVERLAP: Final = timedelta(minutes=10)
"""So far back a list is read again, because its lines may be entered a little late."""


@dataclass(frozen=True, slots=True)
class UnreadLine:
    """A line of an account that we cannot read: its name there, what is wrong, and its bytes."""

    name: str
    why: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class AccountPage:
    """A page of what an account received, the oldest first.

    `mark` is where the next page begins, in words of the gateway's own; `more` is false where the
    account was read up to now. Lines may come again on the next page.
    """

    credits: tuple[Credit, ...]
    mark: str
    more: bool
    unread: tuple[UnreadLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """The mark of a list that only comes with the newest first: a walk back to where we were.

    `newest` is what the walk began with, and where the next one ends, but for an overlap: what is
    entered late is found too.
    """

    back_to: datetime
    page: int = 1
    newest: datetime | None = None

    @classmethod
    def of(cls, mark: str, since: datetime) -> Self:
        """Read back what `on` wrote; a new walk goes back to `since`."""
        if not mark:
            return cls(since)
        back_to, page, newest = mark.split()
        begun = None if newest == "-" else datetime.fromisoformat(newest)
        return cls(datetime.fromisoformat(back_to), int(page), begun)

    def on(self, first: datetime | None, *, more: bool) -> str:
        """The next mark, after a page whose newest line is of `first`."""
        newest = self.newest or first
        if more:
            began = "-" if newest is None else newest.isoformat()
            return f"{self.back_to.isoformat()} {self.page + 1} {began}"
        back_to = self.back_to if newest is None else max(self.back_to, newest - OVERLAP)
        return f"{back_to.isoformat()} 1 -"


@runtime_checkable
class ListsCredits(Protocol):
    """A gateway whose account can be read as a whole (`capabilities.lists` is true)."""

    async def read_account(self, mark: str, since: datetime) -> AccountPage:
        """The next page behind the mark, or the first of what came from `since` on.

        One call, safe to repeat. The credits carry their memo and the names of offers that may be
        in it. Raises GatewayUnavailable, GatewayUnreachable.
        """
        ...


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Money that is to go back. `refund_id` is ours and stable: asking twice is asking once."""

    refund_id: str
    attempt: AttemptRef
    transaction_id: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class RefundVerdict:
    """What a gateway's books say about one refund. `refund_id` is ours, where it knows it.

    `transaction_id` is the transfer whose money goes back. `of_all` marks the sum of all refunds of
    an offer, at a gateway that does not list them one by one.
    """

    provider_id: str
    claim: Literal["pending", "succeeded", "failed", "canceled"]
    amount: Money
    refund_id: str | None = None
    raw: bytes = b""
    transaction_id: str | None = None
    of_all: bool = False


@dataclass(frozen=True, slots=True)
class EntryPage:
    """A page of a gateway's list; `more` is false on the last one."""

    entries: tuple[Entry, ...]
    more: bool


@runtime_checkable
class TransactionList(Protocol):
    """A gateway that lists its transactions, so that what we never heard of is found too."""

    async def list_transactions(self, since: datetime, until: datetime, page: int) -> EntryPage:
        """A page, counted from 1, of everything that came from `since` on and before `until`.

        One call. Raises GatewayUnavailable, GatewayUnreachable.
        """
        ...


@runtime_checkable
class Refunds(Protocol):
    """A gateway that gives money back when asked (`capabilities.refunds` is "api")."""

    async def refund(self, order: RefundOrder) -> RefundVerdict:
        """Give money back, unless that was done for this `refund_id` already.

        Raises GatewayRefused (a clear no), GatewayUnavailable, GatewayUnreachable (no usable
        answer: it may have been done).
        """
        ...

    async def find_refund(self, order: RefundOrder) -> RefundVerdict | None:
        """What became of one refund of ours; None where the gateway has never heard of it.

        Raises GatewayUnavailable, GatewayUnreachable.
        """
        ...

    async def fetch_refunds(self, attempt: AttemptRef) -> tuple[RefundVerdict, ...]:
        """Every refund of the offer, also those that were made in the gateway's own dashboard."""
        ...


@runtime_checkable
class Disputes(Protocol):
    """A gateway that tells whose banks took money back (chargebacks)."""

    async def list_disputes(self, since: datetime) -> tuple[Dispute, ...]:
        """Every dispute that was opened from `since` on, as it stands now.

        Raises GatewayUnavailable, GatewayUnreachable.
        """
        ...


@dataclass(frozen=True, slots=True)
class DiscountTold:
    """A discount that lives at a gateway: how often it may be used there, and was."""

    limit: int | None
    redeemed: int


class Discounts(Protocol):
    """The discounts of a gateway that has its own. All calls are safe to repeat."""

    async def fetch(self, discount_id: str) -> DiscountTold | None:
        """How it stands, or None where there is none. Raises GatewayUnreachable and its kin."""
        ...

    async def limit(self, discount_id: str, limit: int) -> bool:
        """Let it be used so often in all; False where there is none. Raises GatewayRefused too."""
        ...

    async def delete(self, discount_id: str) -> bool:
        """End it; False where there was none."""
        ...


@runtime_checkable
class HasDiscounts(Protocol):
    """A gateway with discounts of its own."""

    discounts: Discounts
