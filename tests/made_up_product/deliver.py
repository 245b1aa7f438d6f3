"""A paid donation: the transaction that makes it paid draws the number of its certificate."""

from datetime import datetime

from sqlalchemy import Connection

from tallystick.domain.answer_types import Amount
from tallystick.domain.errors import NotFound
from tallystick.domain.money import Money
from tallystick.domain.payment import Payment
from tallystick.flows.fulfilment import Fulfilment
from tallystick.store import effects, outbox
from tallystick.store.outbox import News
from tests.made_up_product import rows
from tests.made_up_product.rules import Donation, DonationSignal, DonationState, certificate_number

CERTIFIED = "donation.certified"
LETTER = "donation"
REGISTER = "register_certificate"


class DonationNews(Amount):
    """A donation that is certified, as merchants' systems are told of it."""

    id: str
    status: DonationState
    certificate: str
    paymentId: str


class DonationCertificate(Fulfilment):
    """Money that is given. What the donor gets for it is a certificate, once."""

    purpose = "donation"

    def deliver(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Draw the number, ask for its line in the register and for the letter, and tell of it."""
        donation = _donation(tx, payment)
        number = certificate_number(now)
        if not rows.certify(tx, donation, number, now):
            return
        about = donation.id
        effects.add(tx, REGISTER, f"{REGISTER}/{about}", {"donationId": about}, now)
        effects.add(tx, "send_mail", f"{LETTER}/{about}", {"letter": LETTER, "about": about}, now)
        told: DonationNews = {
            "id": about, "status": DonationState.CERTIFIED, "certificate": number,
            "amount": donation.amount, "currency": donation.currency, "paymentId": payment.id,
        }  # fmt: skip
        outbox.tell(tx, News(CERTIFIED, about, about, {**told}, payment.id), now)

    def lapse(self, tx: Connection, payment: Payment, now: datetime) -> None:
        """Nobody paid; the pledge waits for money that is late."""
        rows.move(tx, _donation(tx, payment), DonationSignal.LAPSE)

    def revoke(
        self, tx: Connection, payment: Payment, back: Money, now: datetime, *, keep_access: bool
    ) -> None:
        """Note what went back; a donation of which nothing is left has no certificate to show."""
        donation = _donation(tx, payment)
        rows.give_back(tx, donation.id, back.minor)
        given = min(payment.received, payment.amount)
        if donation.given_back + back.minor >= given and not keep_access:
            rows.move(tx, donation, DonationSignal.GIVEN_BACK)


def _donation(tx: Connection, payment: Payment) -> Donation:
    found = rows.lock(tx, payment.id)
    if found is None:
        raise NotFound(f"The payment {payment.id} is for no donation that exists.")
    return found
