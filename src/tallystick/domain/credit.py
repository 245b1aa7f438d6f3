"""A credit: one transfer of money that came, as a gateway names it."""

from dataclasses import dataclass, field
from datetime import datetime

from tallystick.domain.money import Money


@dataclass(frozen=True, slots=True, order=True)
class Credit:
    """One transfer of money as a gateway names it. The three names make it unique for ever.

    Beside the facts stands what came with them, which makes no other credit of it: `memo` is what
    the payer wrote, `refs` are the names of offers that may be in it, and `row` is the gateway's
    own name for the line, where it has one beside the bank's reference (which banks use twice).
    """

    gateway: str
    account: str
    transaction_id: str
    minor: int
    currency: str
    at: datetime
    memo: str = field(default="", compare=False)
    refs: tuple[str, ...] = field(default=(), compare=False)
    row: str = field(default="", compare=False)

    @property
    def name(self) -> tuple[str, str, str]:
        """What makes this credit the same credit, whoever tells of it."""
        return (self.gateway, self.account, self.transaction_id)

    @property
    def money(self) -> Money:
        """The amount that was credited."""
        return Money(self.minor, self.currency)
