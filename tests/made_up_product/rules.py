"""Donations: what one is, its states and every move between them, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from tallystick.domain.addresses import Place, SealedAddress
from tallystick.domain.ids import short_code

PREFIX: Final = "don"
DONORS: Final = Place("donations.email", str.casefold)
"""Where donors' addresses are kept, which their hashes are bound to."""


class DonationState(StrEnum):
    """Where a donation stands."""

    PLEDGED = "PLEDGED"
    LAPSED = "LAPSED"
    CERTIFIED = "CERTIFIED"
    REVOKED = "REVOKED"


class DonationSignal(StrEnum):
    """What happens to a donation."""

    PAID = "paid"
    LAPSE = "lapse"
    GIVEN_BACK = "given_back"


# The whole state machine. A pair that is not here changes nothing.
DONATION_MOVES: Final[Mapping[tuple[DonationState, DonationSignal], DonationState]] = {
    (DonationState.PLEDGED, DonationSignal.PAID): DonationState.CERTIFIED,
    (DonationState.PLEDGED, DonationSignal.LAPSE): DonationState.LAPSED,
    # Late money is a donation all the same.
    (DonationState.LAPSED, DonationSignal.PAID): DonationState.CERTIFIED,
    (DonationState.CERTIFIED, DonationSignal.GIVEN_BACK): DonationState.REVOKED,
}


@dataclass(frozen=True, slots=True)
class Donation:
    """One donation. `certificate` is its number; `entry` is its line in the register."""

    id: str
    payment_id: str
    state: DonationState
    amount: int
    currency: str
    language: str
    donor: SealedAddress = field(repr=False)
    certificate: str | None
    given_back: int
    entry: int | None
    created_at: datetime
    certified_at: datetime | None


def certificate_number(now: datetime) -> str:
    """A number that no other certificate has: the year, and 50 random bits."""
    return f"DC-{now:%Y}-{short_code()}"
