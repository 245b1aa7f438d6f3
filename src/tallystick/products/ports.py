"""What one product needs of another, without knowing which one it is."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from tallystick.domain.addresses import SealedAddress
from tallystick.domain.money import Money


class SoldOrder(Protocol):
    """An order as those see it who have a share in what it earns."""

    @property
    def id(self) -> str:
        """The order's own id."""
        ...

    @property
    def payment_id(self) -> str:
        """The payment that it is bought through."""
        ...

    @property
    def product_type(self) -> str:
        """What was bought, in the words of the catalogue."""
        ...

    @property
    def gateway(self) -> str:
        """Who took the money."""
        ...

    @property
    def amount(self) -> Money:
        """What it costs, after discounts."""
        ...

    @property
    def referred_by(self) -> str | None:
        """The id of who sent the buyer, or None."""
        ...

    @property
    def worth(self) -> "Worth | None":
        """What it is worth in US cents at the rate of that day; None for one of before rates."""
        ...


class Worth(Protocol):
    """An amount in US cents, and the rate that it was converted at."""

    @property
    def usd_cents(self) -> int:
        """Whole US cents."""
        ...

    @property
    def rate(self) -> str:
        """Units of the currency for one dollar, as an exact decimal."""
        ...

    @property
    def source(self) -> str:
        """Which layer of rates it came from."""
        ...

    @property
    def as_of(self) -> datetime:
        """When the rate was heard."""
        ...


class Beneficiary(Protocol):
    """Somebody who has a share in what orders earn, such as who referred them."""

    def earned(self, tx: Connection, order: SoldOrder, now: datetime) -> None:
        """The order is paid and delivered. Called once."""
        ...

    def returned(
        self, tx: Connection, order: SoldOrder, before: Money, back: Money, now: datetime
    ) -> None:
        """So much of the order's amount goes back, after so much went back before."""
        ...


class Referrer(Protocol):
    """Who sent the buyer, and what the buyer gets for it."""

    @property
    def id(self) -> str:
        """By which the order remembers them."""
        ...

    @property
    def email(self) -> SealedAddress:
        """Nobody refers themselves."""
        ...

    @property
    def buyer_discount_percent(self) -> int:
        """Taken off the price."""
        ...


FindReferrer = Callable[[Connection, str], Referrer | None]
"""Finds who has a referral code."""
