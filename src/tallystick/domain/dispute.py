"""A dispute: the payer's bank takes money back that a gateway had given us."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tallystick.domain.money import Money


class DisputeState(StrEnum):
    """Where a dispute stands. While it is open nobody knows whose the money will be."""

    OPEN = "open"
    LOST = "lost"
    WON = "won"


@dataclass(frozen=True, slots=True)
class Dispute:
    """One dispute as a gateway's books have it. `transaction_id` is the money that it is about."""

    id: str
    transaction_id: str
    amount: Money
    state: DisputeState
    at: datetime

    def sentence(self) -> str:
        """What it comes to, for a person; the same for the same news."""
        about = f"dispute {self.id}, transaction {self.transaction_id}"
        if self.state is DisputeState.WON:
            return f"The dispute is won, and {self.amount} stay here ({about})."
        if self.state is DisputeState.LOST:
            return f"The payer's bank took {self.amount} back ({about}); a person decides."
        return f"The payer disputes {self.amount} at the bank ({about}); a person decides."
