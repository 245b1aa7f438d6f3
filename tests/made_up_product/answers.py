"""The JSON of donations: each answer is a type, and written by one builder."""

from typing import Final

from tallystick.domain.answer_types import Amount, Instant, Minor
from tallystick.domain.document import CheckoutAnswer
from tallystick.domain.snapshot import Snapshot
from tallystick.web.answer_schemas import Schemas
from tallystick.web.shapes import checkout, instant
from tests.made_up_product.deliver import DonationNews
from tests.made_up_product.rules import Donation, DonationState


class StartedDonationAnswer(Amount):
    """What the donor's page needs to take the money."""

    id: str
    paymentId: str
    clientToken: str
    checkout: CheckoutAnswer


class DonationAnswer(Amount):
    """A donation as its merchant reads it."""

    id: str
    status: DonationState
    certificate: str | None
    registerEntry: int | None
    givenBack: Minor
    email: str
    paymentId: str
    createdAt: Instant
    certifiedAt: Instant | None


SCHEMAS: Final = Schemas(StartedDonationAnswer, DonationAnswer, DonationNews)


def started(donation_id: str, snapshot: Snapshot, token: str) -> StartedDonationAnswer:
    """What is to be paid, and how."""
    given = {} if snapshot.attempt is None else snapshot.attempt.checkout
    return {
        "id": donation_id,
        "paymentId": snapshot.id,
        "clientToken": token,
        "checkout": checkout(given),
        "amount": snapshot.due.minor,
        "currency": snapshot.due.currency,
    }


def donation(shown: Donation, email: str) -> DonationAnswer:
    """What became of a donation; `certificate` once it is paid."""
    return {
        "id": shown.id,
        "status": shown.state,
        "amount": shown.amount,
        "currency": shown.currency,
        "certificate": shown.certificate,
        "registerEntry": shown.entry,
        "givenBack": shown.given_back,
        "email": email,
        "paymentId": shown.payment_id,
        "createdAt": instant(shown.created_at),
        "certifiedAt": instant(shown.certified_at),
    }
