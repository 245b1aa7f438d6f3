"""The address of the merchant's mail server: its schemes, and what is wrong with it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

MAIL_SCHEMES: Final[Mapping[str, int]] = {"smtp": 25, "starttls": 587, "smtps": 465}
"""The ways to a mail server, and the port of each."""


def mail_faults(url: SecretStr | None) -> list[str]:
    """What is wrong with the address of the mail server; its password is not repeated."""
    if url is None:
        return []
    try:
        parts = urlsplit(url.get_secret_value())
        usable = parts.scheme in MAIL_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    wrong = (
        "TALLYSTICK_SMTP_URL is not an address that mail can be sent to: write it as "
        "smtps://user:password@host:465, or with smtp:// or starttls:// and their ports."
    )
    return [] if usable else [wrong]
