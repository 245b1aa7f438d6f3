"""What donations know of people: the donors, found by their address, erased, and sealed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from tallystick.domain.addresses import SEALING, Addresses
from tallystick.domain.sealing import Masters
from tallystick.flows.extensions import PersonalData
from tallystick.flows.hub import Hub
from tallystick.store.forgetting import GONE
from tallystick.store.sealed import Sealed
from tests.made_up_product import rows
from tests.made_up_product.give import email_of
from tests.made_up_product.rules import DONORS
from tests.made_up_product.tables import donations


def _bought_by(tx: Connection, hub: Hub, email: str) -> set[str]:
    return {*rows.given_by(tx, Addresses.of(hub.secret).lookups(DONORS, email))}


def _email_of(tx: Connection, hub: Hub, payment_id: str) -> str | None:
    donation = rows.of_payment(tx, payment_id)
    return None if donation is None else email_of(hub, donation)


def _erase(tx: Connection, hub: Hub, payment_id: str) -> Mapping[str, int]:
    donation = rows.of_payment(tx, payment_id)
    if donation is None or email_of(hub, donation) == GONE:
        return {"donors": 0}
    rows.readdress(tx, donation.id, Addresses.of(hub.secret).kept(DONORS, donation.id, GONE))
    return {"donors": 1}


def _found_by(masters: Masters, address: str) -> Mapping[str, Any]:
    return {"email_lookup": Addresses.of(masters).lookup(DONORS, address)}


PERSONAL_DATA = PersonalData(
    anybody=rows.anybody, bought_by=_bought_by, email_of=_email_of, erase=_erase
)
SEALED = (
    Sealed(donations.c.email_sealed, SEALING, "donations.email_sealed", beside=_found_by),
)  # fmt: skip
