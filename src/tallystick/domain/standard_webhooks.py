"""Standard Webhooks: who signed a notice, and when (the specification at standardwebhooks.com)."""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from tallystick.domain.errors import NoticeNotAuthentic

# "Timestamps … outside of a tolerance": five minutes in every official library, both ways.
WINDOW: Final = timedelta(minutes=5)
# A dot in the id would let one signed text be read in two ways.
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STAMP: Final = re.compile(r"[0-9]{1,11}")
_MOST_SIGNATURES: Final = 10


def signature(key: bytes, message_id: str, stamp: str, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of "id.timestamp.body"."""
    signed = f"{message_id}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def decoded_key(secret: str) -> bytes | None:
    """The key that the specification means: base64 after `whsec_`; None where it is none."""
    text = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def check(
    headers: Mapping[str, str],
    body: bytes,
    keys: Iterable[bytes],
    received_at: datetime,
    window: timedelta = WINDOW,
) -> str:
    """The message id of an authentic notice; any one of the keys may have signed it.

    Header names are lower-case. Raises NoticeNotAuthentic for all else, and for what was signed
    more than `window` before or after `received_at`.
    """
    message_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(message_id) or not _STAMP.fullmatch(stamp):
        raise NoticeNotAuthentic("The notice has no id or time that can be checked.")
    given = headers.get("webhook-signature", "").split(" ")[:_MOST_SIGNATURES]
    wanted = [signature(key, message_id, stamp, body).encode() for key in keys]
    fits = [
        hmac.compare_digest(one, other.encode("utf-8", "replace"))
        for one in wanted
        for other in given
    ]
    if not any(fits):
        raise NoticeNotAuthentic("The notice has no valid signature.")
    if abs(received_at - datetime.fromtimestamp(int(stamp), UTC)) > window:
        raise NoticeNotAuthentic("The notice was signed too long ago, or ahead.")
    return message_id
