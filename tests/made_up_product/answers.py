"""The JSON of donations, and its shapes."""

from typing import Any, Final

from tallystick.domain.snapshot import Snapshot
from tallystick.web.schema_parts import (
    INSTANT,
    MINOR,
    MONEY,
    TEXT,
    WHOLE,
    Schema,
    object_,
    one_of,
    or_null,
    ref,
)
from tallystick.web.shapes import checkout, instant
from tests.made_up_product.rules import Donation, DonationState

SCHEMAS: Final[dict[str, Schema]] = {
    "StartedDonation": object_(
        MONEY, id=TEXT, paymentId=TEXT, clientToken=TEXT, checkout=ref("Checkout")
    ),
    "Donation": object_(
        MONEY, id=TEXT, status=one_of(DonationState), certificate=or_null(TEXT),
        registerEntry=or_null(WHOLE), givenBack=MINOR, email=TEXT, paymentId=TEXT,
        createdAt=INSTANT, certifiedAt=or_null(INSTANT),
    ),
    "DonationNews": object_(
        MONEY, id=TEXT, status=one_of(DonationState), certificate=TEXT, paymentId=TEXT
    ),
}  # fmt: skip


def started(donation_id: str, snapshot: Snapshot, token: str) -> dict[str, Any]:
    """What the donor's page needs to take the money."""
    given = {} if snapshot.attempt is None else snapshot.attempt.checkout
    return {
        "id": donation_id,
        "paymentId": snapshot.id,
        "clientToken": token,
        "checkout": checkout(given),
        "amount": snapshot.due.minor,
        "currency": snapshot.due.currency,
    }


def donation(shown: Donation, email: str) -> dict[str, Any]:
    """A donation as its merchant reads it."""
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
