"""Give: somebody's wish to donate becomes a pledge and the payment for it."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from tallystick.domain.addresses import LOST, Addresses
from tallystick.domain.errors import NotFound
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.flows.checkout import Opened, Wish, resume_payment, sell
from tallystick.flows.hub import Hub
from tests.made_up_product import rows
from tests.made_up_product.rules import DONORS, PREFIX, Donation, DonationState


@dataclass(frozen=True, slots=True)
class DonationWish:
    """How much somebody gives, how, and where the certificate goes."""

    amount: Money
    gateway: str
    email: str = field(repr=False)
    language: str


async def give(hub: Hub, wish: DonationWish) -> Opened[str]:
    """Open the payment; the pledge is written beside it, and its id returned.

    Raises what `sell` raises.
    """
    donation_id = new_id(PREFIX, hub.now())
    wished = Wish(wish.amount, (wish.gateway,), purpose="donation", description="A donation")

    def beside(tx: Connection, payment: Payment) -> str:
        pledge = Donation(
            id=donation_id, payment_id=payment.id, state=DonationState.PLEDGED,
            amount=wish.amount.minor, currency=wish.amount.currency, language=wish.language,
            donor=Addresses.of(hub.secret).kept(DONORS, donation_id, wish.email),
            certificate=None, given_back=0, entry=None, created_at=payment.created_at,
            certified_at=None,
        )  # fmt: skip
        rows.add(tx, pledge)
        return donation_id

    return await sell(hub, wished, beside, soon=True)


async def resume(hub: Hub, payment_id: str) -> Opened[str]:
    """Answer a request whose worker died: the pledge is there, its client token is new."""
    found = await hub.database.read(lambda tx: rows.of_payment(tx, payment_id))
    return await resume_payment(hub, payment_id, "" if found is None else found.id)


async def find(hub: Hub, donation_id: str) -> Donation:
    """The donation with this id. Raises NotFound."""
    donation = await hub.database.read(lambda tx: rows.find(tx, donation_id))
    if donation is None:
        raise NotFound("There is no donation with this id.")
    return donation


def payment_of(tx: Connection, donation_id: str) -> str | None:
    """The payment of a donation, or None."""
    donation = rows.find(tx, donation_id)
    return None if donation is None else donation.payment_id


def email_of(hub: Hub, donation: Donation) -> str:
    """Who gave it, or `LOST` where its secret was given up. Only for callers who may know."""
    opened = Addresses.of(hub.secret).opened(DONORS, donation.id, donation.donor)
    return opened or LOST
