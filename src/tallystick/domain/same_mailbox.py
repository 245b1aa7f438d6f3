"""Which e-mail addresses reach the same mailbox, as far as its provider says so.

Sources, read 2026-11: Google, "Dots don't matter in Gmail addresses" and "Create task-specific
addresses with an alias"; Microsoft, "Plus addressing in Exchange Online" (Outlook.com does the
same); Apple, "iCloud Mail addresses" (me.com and mac.com are older names of icloud.com); Fastmail,
"Plus addressing and subdomain addressing"; Proton, "Addresses and aliases" (dots, hyphens and
underscores are no part of a name there); Yahoo, "Disposable addresses" (`name-word@`).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class _Provider:
    """One provider: its name for us, what begins a tag there, and which characters mean nothing."""

    host: str
    tags: str = "+"
    ignored: str = ""


_GOOGLE: Final = _Provider("gmail.com", ignored=".")
_APPLE: Final = _Provider("icloud.com")
_PROTON: Final = _Provider("proton.me", ignored=".-_")
_YAHOO: Final = "-+"
_HOSTS: Final = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), _GOOGLE),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), _APPLE),
    **dict.fromkeys(("proton.me", "protonmail.com", "protonmail.ch", "pm.me"), _PROTON),
    # The same name at two of these hosts is two mailboxes.
    **{
        host: _Provider(host)
        for host in (
            "outlook.com", "outlook.com.vn", "outlook.de", "outlook.es", "outlook.fr",
            "outlook.in", "outlook.it", "outlook.jp", "outlook.kr", "outlook.co.id",
            "outlook.co.th", "outlook.com.au", "outlook.com.br", "hotmail.com", "hotmail.co.jp",
            "hotmail.co.th", "hotmail.co.uk", "hotmail.com.vn", "hotmail.de", "hotmail.es",
            "hotmail.fr", "hotmail.it", "live.com", "live.co.uk", "live.de", "live.fr", "live.it",
            "live.jp", "live.nl", "msn.com", "fastmail.com", "fastmail.fm",
        )
    },
    **{
        host: _Provider(host, tags=_YAHOO)
        for host in (
            "yahoo.com", "yahoo.com.vn", "yahoo.co.uk", "yahoo.co.in", "yahoo.co.id", "yahoo.de",
            "yahoo.es", "yahoo.fr", "yahoo.in", "yahoo.it", "yahoo.com.au", "yahoo.com.br",
            "yahoo.com.sg", "ymail.com", "rocketmail.com",
        )
    },
}  # fmt: skip


def same_mailbox(address: str) -> str:
    """A key that is the same for all addresses which certainly reach one mailbox.

    At a host that we do not know only capitals do not matter: `+` and dots may be part of a name
    there. Nothing is ever mailed to it.
    """
    name, _, host = address.strip().casefold().rpartition("@")
    provider = _HOSTS.get(host)
    if provider is None:
        return f"{name}@{host}"
    for mark in provider.tags:
        name = name.partition(mark)[0]
    for mark in provider.ignored:
        name = name.replace(mark, "")
    return f"{name}@{provider.host}"


def same_person(one: str, other: str) -> bool:
    """Whether two e-mail addresses reach the same mailbox: case and `+tag` do not matter."""
    return _mailbox(one) == _mailbox(other)


def _mailbox(address: str) -> tuple[str, str]:
    name, _, host = address.strip().casefold().rpartition("@")
    return name.partition("+")[0], host
