"""E-mail addresses: those that we send to, and no others."""

import re
from typing import Final

_LONGEST: Final = 254
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_ANYWHERE: Final = re.compile(r"[^\s@<>\"'(),:;\[\]\\]{1,64}@[^\s@<>\"'(),:;\[\]\\/]{1,255}")


def masked(text: str) -> str:
    """The text without the e-mail addresses in it, for what others wrote and we keep."""
    return _ANYWHERE.sub("[address]", text)


def mail_address(text: str) -> str:
    """The address as it is, if it is a plain one (RFC 5321, without quotes). Raises ValueError."""
    local = text.partition("@")[0]
    if len(text) > _LONGEST or len(local) > 64 or not _ADDRESS.fullmatch(text):
        raise ValueError("an e-mail address such as name@example.com")
    return text
