"""What referrals know of people: the addresses of referrers, and how they are sealed."""

from collections.abc import Mapping
from typing import Any

from tallystick.domain.addresses import REFERRERS, SEALING, Addresses
from tallystick.domain.sealing import Masters
from tallystick.flows.addresses import seal_column
from tallystick.flows.extensions import PersonalData
from tallystick.flows.hub import Hub
from tallystick.products.revenue.tables import referrers
from tallystick.store.sealed import Sealed


async def _seal_rest(hub: Hub) -> int:
    return await seal_column(hub, referrers, REFERRERS)


def _found_by(masters: Masters, address: str) -> Mapping[str, Any]:
    return {"email_lookup": Addresses.of(masters).lookup(REFERRERS, address)}


# A referrer is the merchant's partner and buys nothing by being one: nobody is forgotten here.
PERSONAL_DATA = PersonalData(
    anybody=lambda _tx: False, bought_by=lambda _tx, _hub, _email: set(),
    email_of=lambda _tx, _hub, _payment_id: None, erase=lambda _tx, _hub, _payment_id: {},
    seal_rest=_seal_rest,
)  # fmt: skip
SEALED = (Sealed(referrers.c.email_sealed, SEALING, "referrers.email_sealed", beside=_found_by),)
