"""The e-mail with the certificate, written when it is sent."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from tallystick.domain.money import Money
from tallystick.flows.emails import ENGLISH, Words, written
from tallystick.flows.hub import Hub
from tallystick.mail import Email
from tests.made_up_product import rows
from tests.made_up_product.give import email_of
from tests.made_up_product.rules import DonationState

WORDS: Final[Mapping[str, Words]] = {
    "en": Words(
        "Thank you for {amount}",
        "You gave {amount}. The number of your certificate is {certificate}.\n\n{merchant}\n",
    ),
    "vi": Words(
        "Xin cảm ơn {amount}",
        "Bạn đã tặng {amount}. Số chứng nhận của bạn là {certificate}.\n\n{merchant}\n",
    ),
}


def certificate(tx: Connection, hub: Hub, donation_id: str) -> Email | None:
    """None for a donation whose money went back before the letter could be sent."""
    donation = rows.find(tx, donation_id)
    if donation is None or donation.state is not DonationState.CERTIFIED:
        return None
    words = WORDS.get(donation.language, WORDS[ENGLISH])
    amount = written(Money(donation.amount, donation.currency), donation.language)
    merchant = hub.settings.merchant_name or hub.settings.base_url
    text = words.text.format(amount=amount, certificate=donation.certificate, merchant=merchant)
    return Email(
        name=f"donation/{donation.id}", to=email_of(hub, donation),
        subject=words.subject.format(amount=amount), text=text, language=donation.language,
        at=donation.certified_at or donation.created_at,
    )  # fmt: skip
