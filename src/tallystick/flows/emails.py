"""E-mails in the reader's language: written from what is sealed only when they are sent."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tallystick.domain.money import Money
from tallystick.flows.hub import Hub

ENGLISH: Final = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one letter in one language, with places for what differs."""

    subject: str
    text: str


def written(amount: Money, language: str) -> str:
    """An amount in the digits of the language, with the code of its currency: "50.000 VND"."""
    from babel.numbers import format_decimal

    major = Decimal(amount.major())
    return f"{format_decimal(major, locale=language, decimal_quantization=False)} {amount.currency}"


async def send_mail(hub: Hub, payload: dict[str, Any]) -> None:
    """Write the e-mail now, from what is sealed, and hand it over. Raises Unavailable."""
    write = hub.extensions.emails[payload["letter"]]
    email = await hub.database.read(lambda tx: write(tx, hub, payload["about"]))
    if email is not None:
        await hub.mail.send(email)
