"""Orders: what was bought by whom at which price, and the states that an order goes through."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from tallystick.domain.addresses import SealedAddress
from tallystick.domain.money import Money
from tallystick.products.orders.pricing import Quote


class OrderStatus(StrEnum):
    """Where an order is, in the words of the replaced order system."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


class Step(StrEnum):
    """What happens to an order. It follows from its payment, but for `RELEASED` and free ones."""

    DELIVERED = "delivered"
    HELD = "held"
    RELEASED = "released"
    LAPSED = "lapsed"
    PART_BACK = "part_back"
    ALL_BACK = "all_back"


class OrderReview(StrEnum):
    """Why a person has to look at an order whose money is here."""

    COUPON_USED_UP = "coupon_used_up"


_S, _T = OrderStatus, Step
STEPS: Final[dict[tuple[OrderStatus, Step], OrderStatus]] = {
    (_S.PENDING, _T.DELIVERED): _S.COMPLETED,
    (_S.PENDING, _T.LAPSED): _S.FAILED,
    # Bank transfers arrive late; what was promised is kept where it still can be.
    (_S.FAILED, _T.DELIVERED): _S.COMPLETED,
    # Else the money is here and a person decides: deliver all the same, or give it back.
    (_S.FAILED, _T.HELD): _S.PENDING,
    (_S.PENDING, _T.RELEASED): _S.COMPLETED,
    # One that is held stays so while a part of its money goes back; a person still decides. Only
    # before that rule was made could it leave.
    (_S.PARTIALLY_REFUNDED, _T.RELEASED): _S.COMPLETED,
    (_S.PENDING, _T.ALL_BACK): _S.REFUNDED,
    (_S.COMPLETED, _T.PART_BACK): _S.PARTIALLY_REFUNDED,
    (_S.COMPLETED, _T.ALL_BACK): _S.REFUNDED,
    (_S.PARTIALLY_REFUNDED, _T.PART_BACK): _S.PARTIALLY_REFUNDED,
    (_S.PARTIALLY_REFUNDED, _T.ALL_BACK): _S.REFUNDED,
}
"""The whole state machine. A pair that is not here changes nothing."""


@dataclass(frozen=True, slots=True)
class Product:
    """One thing that is sold. `prices` are minor units per currency.

    `access` is what a buyer is let into: a GitHub repository "owner/name" or a team
    "organization/teams/slug".
    """

    type: str
    name: str
    prices: Mapping[str, int]
    description: str
    licensed: bool
    access: str | None
    active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys, and what they said of themselves. `tax_id` is sealed."""

    owner_id: str | None = None
    team_id: str | None = None
    github_username: str | None = None
    vat_invoice_requested: bool = False
    tax_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class Worth:
    """What an order is worth in US cents, with the rate that says so, frozen for good."""

    usd_cents: int
    rate: str
    source: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """One order. Everything but status, review, refunded and times is frozen when it is made."""

    id: str
    payment_id: str
    gateway: str
    product_type: str
    currency: str
    quote: Quote
    email: SealedAddress
    buyer: Buyer
    coupon_id: str | None
    coupon_code: str | None
    referred_by: str | None
    referral_code: str | None
    worth: Worth | None
    metadata: Mapping[str, Any]
    status: OrderStatus
    review: OrderReview | None
    refunded: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None

    @property
    def is_held(self) -> bool:
        """Whether its money is here and a person decides what becomes of it."""
        return self.review is not None and self.status is OrderStatus.PENDING

    @property
    def amount(self) -> Money:
        """What is to be paid."""
        return Money(self.quote.final, self.currency)
