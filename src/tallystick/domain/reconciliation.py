"""Reconciliation: one transaction as the gateway, our credits and our ledger have it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tallystick.domain.credit import Credit
from tallystick.domain.money import Money


class Match(StrEnum):
    """What comparing one transaction comes to."""

    MATCHED = "matched"
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT_DIFFERS = "amount_differs"
    STATUS_DIFFERS = "status_differs"


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction in a gateway's list. `refs` name the offer that it may be for.

    `refunded_minor` is what of it went back, where the gateway's list says so. `credit` is the
    money itself, where the list is that of an account that we listen to.
    """

    transaction_id: str
    amount: Money
    at: datetime
    refs: tuple[str, ...] = ()
    refunded_minor: int | None = None
    credit: Credit | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """The same transaction here: the credit, what the ledger has of it, and what went back.

    `payment_id` is its owner, if it has one.
    """

    transaction_id: str
    payment_id: str | None
    amount: Money
    booked_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A transaction that the three do not agree on. Amounts are None where there is none."""

    match: Match
    transaction_id: str
    payment_id: str | None
    currency: str
    theirs: int | None
    ours: int | None
    booked: int | None
    theirs_refunded: int | None
    ours_refunded: int | None

    def key(self, gateway: str, account: str) -> str:
        """The same difference, however often it is found, has the same key."""
        said = (gateway, account, self.match.value, self.transaction_id, self.currency,
                self.theirs, self.ours, self.booked, self.theirs_refunded,
                self.ours_refunded)  # fmt: skip
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]

    def sentence(self) -> str:
        """What differs, for a person."""
        return _SENTENCES[self.match].format(
            name=self.transaction_id,
            theirs=_told(self.theirs, self.currency),
            ours=_told(self.ours, self.currency),
            booked=_told(self.booked, self.currency),
            theirs_refunded=_told(self.theirs_refunded, self.currency),
            ours_refunded=_told(self.ours_refunded, self.currency),
        )


_SENTENCES: Final = {
    Match.MATCHED: "{name}: {theirs}, the same everywhere.",
    Match.MISSING_HERE: "The gateway has {theirs} as {name}; there is no receipt of it here.",
    Match.MISSING_THERE: "There is a receipt of {ours} for {name}; the gateway does not list it.",
    Match.AMOUNT_DIFFERS: "{name} is {theirs} at the gateway, {ours} in our receipts and {booked} "
    "in the ledger.",
    Match.STATUS_DIFFERS: "Of {name} {theirs_refunded} went back as the gateway has it, "
    "{ours_refunded} as we have it.",
}


def compare(theirs: Iterable[Entry], ours: Iterable[Own]) -> list[Difference]:
    """One line for each transaction that either side has, differing or matched."""
    there = {entry.transaction_id: entry for entry in theirs}
    here = {own.transaction_id: own for own in ours}
    return [_compared(there.get(name), here.get(name)) for name in sorted({*there, *here})]


def _compared(entry: Entry | None, own: Own | None) -> Difference:
    known = entry or own
    assert known is not None  # noqa: S101 - one of the two has the name
    return Difference(
        match=_match(entry, own),
        transaction_id=known.transaction_id,
        payment_id=None if own is None else own.payment_id,
        currency=known.amount.currency,
        theirs=None if entry is None else entry.amount.minor,
        ours=None if own is None else own.amount.minor,
        booked=None if own is None else own.booked_minor,
        theirs_refunded=None if entry is None else entry.refunded_minor,
        ours_refunded=None if own is None else own.refunded_minor,
    )


def _match(entry: Entry | None, own: Own | None) -> Match:
    if own is None:
        return Match.MISSING_HERE
    if entry is None:
        return Match.MISSING_THERE
    if entry.amount != own.amount or own.booked_minor != own.amount.minor:
        return Match.AMOUNT_DIFFERS
    if entry.refunded_minor is not None and entry.refunded_minor != own.refunded_minor:
        return Match.STATUS_DIFFERS
    return Match.MATCHED


def _told(minor: int | None, currency: str) -> str:
    return "nothing" if minor is None else str(Money(minor, currency))
