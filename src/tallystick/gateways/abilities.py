"""What some gateways can do beside taking money: read accounts, give back, keep discounts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from tallystick.domain.dispute import Dispute
from tallystick.domain.evidence import Credit
from tallystick.domain.money import Money
from tallystick.domain.reconciliation import Entry
from tallystick.gateways.base import AttemptRef


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One incoming transfer of an account, and the names of offers that its memo may hold."""

    refs: tuple[str, ...]
    credit: Credit
    memo: str


@runtime_checkable
class Statements(Protocol):
    """A gateway whose account can be read as a whole (`capabilities.states_after` is set)."""

    async def statement(self, since: datetime, until: datetime) -> tuple[StatementLine, ...]:
        """Every transfer that came in between, all of them or none.

        Safe to repeat. Raises GatewayUnavailable, GatewayUnreachable.
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


@runtime_checkable
class TransactionList(Protocol):
    """A gateway that lists its transactions, so that what we never heard of is found too."""

    async def list_transactions(self, since: datetime, until: datetime) -> tuple[Entry, ...]:
        """Everything that came from `since` on and before `until`.

        Raises GatewayUnavailable, GatewayUnreachable.
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
