"""Donations in the database: found, moved by compare-and-set in one place, and emptied."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update

from tallystick.domain.addresses import SealedAddress
from tallystick.store.columns import AnyRow
from tests.made_up_product.rules import DONATION_MOVES, Donation, DonationSignal, DonationState
from tests.made_up_product.tables import donations

_INSERT = insert(donations)
_PLAIN = [column.name for column in donations.c if "email" not in column.name]
_ALL = select(*donations.c)
_FIND = _ALL.where(donations.c.id == bindparam("id"))
_OF_PAYMENT = _ALL.where(donations.c.payment_id == bindparam("payment_id"))
_LOCK = _OF_PAYMENT.with_for_update()
_MOVE = update(donations).where(
    donations.c.id == bindparam("of_id"), donations.c.state == bindparam("of_state")
)
_TO = _MOVE.values(state=bindparam("state"))
_CERTIFY = _MOVE.values(
    state=bindparam("state"), certificate=bindparam("certificate"), certified_at=bindparam("now")
)
_GIVE_BACK = (
    update(donations)
    .where(donations.c.id == bindparam("of_id"))
    .values(given_back=donations.c.given_back + bindparam("back"))
)
# The one statement that numbers the register: two at once, and one of them is tried again.
_REGISTER = (
    update(donations)
    .where(donations.c.id == bindparam("of_id"), donations.c.entry.is_(None))
    .values(entry=select(func.coalesce(func.max(donations.c.entry), 0) + 1).scalar_subquery())
)
_ANY = select(donations.c.id).limit(1)
_GIVEN_BY = select(donations.c.payment_id).where(
    donations.c.email_lookup.in_(bindparam("lookups", expanding=True))
)
_READDRESS = (
    update(donations)
    .where(donations.c.id == bindparam("of_id"))
    .values(email_sealed=bindparam("sealed"), email_lookup=bindparam("lookup"))
)
_LAPSED = (
    _ALL.where(
        donations.c.state == DonationState.LAPSED,
        donations.c.created_at < bindparam("before"),
        donations.c.email_lookup != bindparam("gone"),
    )
    .order_by(donations.c.created_at)
    .limit(bindparam("limit"))
)


def add(tx: Connection, donation: Donation) -> None:
    """Insert a new pledge."""
    values = {name: getattr(donation, name) for name in _PLAIN}
    donor = {"email_sealed": donation.donor.sealed, "email_lookup": donation.donor.lookup}
    tx.execute(_INSERT, {**values, **donor})


def find(tx: Connection, donation_id: str) -> Donation | None:
    """The donation, or None."""
    return _one(tx.execute(_FIND, {"id": donation_id}).first())


def of_payment(tx: Connection, payment_id: str) -> Donation | None:
    """The donation that this payment is for, or None."""
    return _one(tx.execute(_OF_PAYMENT, {"payment_id": payment_id}).first())


def lock(tx: Connection, payment_id: str) -> Donation | None:
    """The same, held against every other writer until this transaction ends."""
    return _one(tx.execute(_LOCK, {"payment_id": payment_id}).first())


def move(tx: Connection, donation: Donation, signal: DonationSignal) -> bool:
    """Move a donation as the table says; False where it says nothing, or somebody was quicker."""
    state = DONATION_MOVES.get((donation.state, signal))
    values = {"of_id": donation.id, "of_state": donation.state, "state": state}
    return state is not None and tx.execute(_TO, values).rowcount == 1


def certify(tx: Connection, donation: Donation, number: str, now: datetime) -> bool:
    """The same for the money that came, with the number of its certificate."""
    state = DONATION_MOVES.get((donation.state, DonationSignal.PAID))
    values = {"of_id": donation.id, "of_state": donation.state, "state": state,
              "certificate": number, "now": now}  # fmt: skip
    return state is not None and tx.execute(_CERTIFY, values).rowcount == 1


def give_back(tx: Connection, donation_id: str, minor: int) -> None:
    """So much more of it has gone back."""
    tx.execute(_GIVE_BACK, {"of_id": donation_id, "back": minor})


def register(tx: Connection, donation_id: str) -> None:
    """Give it the next line of the register, where it has none. Safe to repeat."""
    tx.execute(_REGISTER, {"of_id": donation_id})


def anybody(tx: Connection) -> bool:
    """Whether anybody ever pledged."""
    return tx.execute(_ANY).first() is not None


def given_by(tx: Connection, lookups: Sequence[str]) -> list[str]:
    """The payments of the donations whose donor stands under one of these."""
    return list(tx.execute(_GIVEN_BY, {"lookups": list(lookups)}).scalars())


def readdress(tx: Connection, donation_id: str, donor: SealedAddress) -> None:
    """Another address takes the place of the donor's."""
    values = {"of_id": donation_id, "sealed": donor.sealed, "lookup": donor.lookup}
    tx.execute(_READDRESS, values)


def lapsed(tx: Connection, before: datetime, gone: str, limit: int) -> list[Donation]:
    """Pledges of before that nobody paid, and whose donor is not `gone` yet."""
    found = tx.execute(_LAPSED, {"before": before, "gone": gone, "limit": limit})
    return [_donation(row) for row in found]


def _one(row: AnyRow | None) -> Donation | None:
    return None if row is None else _donation(row)


def _donation(row: AnyRow) -> Donation:
    values = dict(row._mapping)
    donor = SealedAddress(values.pop("email_lookup"), values.pop("email_sealed"))
    return Donation(**{**values, "state": DonationState(row.state), "donor": donor})
