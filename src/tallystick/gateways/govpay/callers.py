"""Who calls: GovPay+ gets a token for its client id and secret, and shows it with every call."""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from tallystick.domain.errors import Invalid, NoticeNotAuthentic

LIFE: Final = timedelta(seconds=3600)
_TOKEN: Final = re.compile(r"tsg_([0-9]{1,11})_([0-9a-f]{32})_([0-9a-f]{64})")
_MOST_FIELDS: Final = 10


def issue(client_id: str, client_secret: str, now: datetime) -> str:
    """A token for one hour. It carries its own end, sealed, so that nothing has to be kept."""
    end, nonce = str(int((now + LIFE).timestamp())), secrets.token_hex(16)
    return f"tsg_{end}_{nonce}_{_seal(client_id, client_secret, end, nonce)}"


def check_token(
    headers: Mapping[str, str], client_id: str, client_secret: str, now: datetime
) -> None:
    """Whether the bearer token is ours and still good. Raises NoticeNotAuthentic."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    form = _TOKEN.fullmatch(text.strip())
    if scheme.lower() != "bearer" or form is None:
        raise NoticeNotAuthentic("The call carries no bearer token of ours.")
    wanted = _seal(client_id, client_secret, form[1], form[2])
    if not hmac.compare_digest(wanted.encode(), form[3].encode()):
        raise NoticeNotAuthentic("The bearer token is not one of ours.")
    if now.timestamp() >= int(form[1]):
        raise NoticeNotAuthentic("The bearer token has expired; ask for a new one.")


def check_transaction_key(headers: Mapping[str, str], keys: tuple[str, ...]) -> None:
    """Whether `TransactionKey` is one of ours; all are compared. Raises NoticeNotAuthentic."""
    given = headers.get("transactionkey", "").encode("utf-8", "replace")
    fits = [hmac.compare_digest(key.encode(), given) for key in keys]
    if not any(fits):
        raise NoticeNotAuthentic("The TransactionKey is missing or wrong.")


def check_client(
    headers: Mapping[str, str], body: bytes, client_id: str, client_secret: str
) -> None:
    """Whether a token may be issued (RFC 6749, section 4.4). Raises NoticeNotAuthentic, Invalid."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    name, _, secret = given.partition(b":")
    named = hmac.compare_digest(name, client_id.encode())
    proved = hmac.compare_digest(secret, client_secret.encode())
    if scheme.lower() != "basic" or not (named and proved):
        raise NoticeNotAuthentic("The client id or secret is wrong.")
    try:
        form = dict(parse_qsl(body.decode("ascii"), max_num_fields=_MOST_FIELDS))
    except ValueError:
        form = {}
    if form.get("grant_type") != "client_credentials":
        raise Invalid("Send grant_type=client_credentials as a form.")


def _seal(client_id: str, client_secret: str, end: str, nonce: str) -> str:
    told = f"tallystick govpay token\n{client_id}\n{end}\n{nonce}"
    return hmac.digest(client_secret.encode(), told.encode(), "sha256").hex()
