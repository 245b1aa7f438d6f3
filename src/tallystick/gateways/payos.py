"""payOS: bank transfers in dong, each order with its own account, VietQR code and page.

Sources: payos.vn/docs (api, webhook, return url), the official SDKs for Python 1.1.0 and Node
2.0.5 with their signature test file, read 2026-11. Codes 101 and 214 are from public logs only.
"""

import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import quote

from tallystick.domain import strict_json
from tallystick.domain.credit import Credit
from tallystick.domain.errors import (
    CurrencyUnknown,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    HubError,
    Invalid,
    MalformedJson,
    NotConfigured,
    NoticeNotAuthentic,
)
from tallystick.domain.evidence import Claim, Trust
from tallystick.domain.fields import Fields
from tallystick.domain.money import LARGEST_MINOR, exponent
from tallystick.domain.vietqr import BANKS
from tallystick.gateways.base import (
    Answer,
    AttemptRef,
    Capabilities,
    Checkout,
    CheckoutOrder,
    Notice,
    RawNotice,
    Reply,
    Standing,
    Verdict,
    Wire,
)

_LARGEST_NOTICE: Final = 65_536
_LARGEST_REPLY: Final = 1_048_576
_VIETNAM: Final = timezone(timedelta(hours=7))
_EPOCH: Final = datetime(2025, 1, 1, tzinfo=UTC)
_ORDERS: Final = "/v2/payment-requests"

# The transfer that payOS tells of when a webhook is confirmed or tried (its docs and SDKs).
_TEST_PING: Final = ("124c33293c43417ab7879e14c8d9eb18", "TF230204212323")
_OK: Final = "00"
_NOT_FOUND: Final = "101"
_EXISTS: Final = "231"
# A bad signature, a closed channel and bad keys: all ours to mend, none the payer's.
_OUR_FAULT: Final = {"201", "214", "401"}

_CLAIMS: Final = {
    "PENDING": Claim.PENDING,
    "PROCESSING": Claim.PROCESSING,
    "PAID": Claim.SUCCEEDED,
    "UNDERPAID": Claim.PENDING,
    "CANCELLED": Claim.CANCELED,
    "EXPIRED": Claim.EXPIRED,
    "FAILED": Claim.FAILED,
}

# The body signature joins `key=value` with `&` and escapes nothing, so different data can spell
# the same text. These rules leave one reading only for every field that we use.
_NUMBERS: Final = frozenset({"orderCode", "amount", "amountPaid", "amountRemaining"})
_IDS: Final = frozenset({
    "id", "paymentLinkId", "reference", "currency", "status", "code", "transactionDateTime",
    "accountNumber", "counterAccountBankId", "counterAccountNumber", "virtualAccountNumber",
})  # fmt: skip
_TEXTS: Final = frozenset({
    "description", "desc", "counterAccountName", "counterAccountBankName", "virtualAccountName",
})  # fmt: skip
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_UNSAFE_IN_ID: Final = re.compile(r"[&=\x00-\x1f\x7f]")
_SMUGGLED: Final = re.compile(f"&(?:{'|'.join(sorted(_NUMBERS | _IDS | _TEXTS))})=")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_DIGITS: Final = re.compile(r"[0-9]{1,16}")


@dataclass(frozen=True, slots=True)
class PayOSAccount:
    """One payment channel. The first checksum key signs; all of them are accepted (rotation)."""

    client_id: str
    api_key: str
    checksum_key: tuple[str, ...]
    base_url: str = "https://api-merchant.payos.vn"
    page_url: str = "https://pay.payos.vn"


class PayOS:
    """The gateway "payos"."""

    name = "payos"
    capabilities = Capabilities(
        title="payOS",
        currencies=frozenset({"VND"}),
        verifies=Trust.FETCHED,
        refunds="manual",
        cancels=True,
        shows_whole=True,
        listens_for=timedelta(days=30),
        # An instant NAPAS transfer stays below 500 million dong.
        largest_minor=499_999_999,
        calls_per_s=5.0,
    )

    def __init__(self, account: PayOSAccount, wire: Wire) -> None:
        if not (account.client_id and account.api_key and account.checksum_key):
            raise NotConfigured("payOS needs a client id, an API key and a checksum key.")
        if not all(account.checksum_key):
            raise NotConfigured("payOS has an empty checksum key; with it anyone could sign.")
        self.account = account.client_id
        self._settings = account
        self._wire = wire
        self._last_ref = 0

    def new_ref(self, now: datetime) -> str:
        """An order code: milliseconds since 2025 and 13 random bits, always growing here."""
        milliseconds = (now - _EPOCH) // timedelta(milliseconds=1)
        drawn = milliseconds << 13 | secrets.randbits(13)
        self._last_ref = max(drawn, self._last_ref + 1)
        return str(self._last_ref)

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Make the offer. An order code that exists already is our own lost create: recover it."""
        wish: dict[str, Any] = {
            "orderCode": _order_code(order.our_ref),
            "amount": order.amount.minor,
            "description": order.memo,
            "cancelUrl": order.cancel_url,
            "returnUrl": order.return_url,
            "expiredAt": min(int(order.expires_at.timestamp()), 2**31 - 1),
        }
        wish["signature"] = create_signature(wish, self._settings.checksum_key[0])
        answer = await self._call("POST", _ORDERS, wish)
        if answer.code == _EXISTS:
            return await self._recover(order)
        if answer.code != _OK:
            raise answer.refusal()
        return self._checkout(self._fields(answer), order)

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """Ask for the order by our own code, never by a name that a notice brought."""
        answer = await self._call("GET", _order_path(attempt.our_ref))
        if answer.code == _NOT_FOUND:
            return Verdict(Claim.PENDING, known=False, raw=answer.raw)
        if answer.code != _OK:
            raise GatewayUnreachable(f"payOS does not tell about the order: {answer.words}.")
        return self._verdict(answer, attempt)

    def read_notice(self, raw: RawNotice) -> Notice:
        """One transfer that arrived. The test ping is a notice about nothing."""
        try:
            body = strict_json.parse(raw.body, limit=_LARGEST_NOTICE)
        except MalformedJson as error:
            raise NoticeNotAuthentic(f"The payOS notice cannot be checked: {error}") from None
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(data, dict) or not _unambiguous(data):
            raise NoticeNotAuthentic("The payOS notice has a form that cannot be checked.")
        if not (raw.proven or self._signed(data, body.get("signature"))):
            raise NoticeNotAuthentic("The payOS notice has no valid signature.")
        return self._notice(Fields(data, _senseless))

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """Any 2xx will do; this body is the one in the docs of payOS."""
        return Answer(b'{"success":true}')

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """Take the offer back. Whatever payOS says to it, its books decide what happened."""
        path = f"{_order_path(attempt.our_ref)}/cancel"
        wish = {"cancellationReason": reason[:255]}
        signature = body_signature(wish, self._settings.checksum_key[0])
        answer = await self._call("POST", path, {**wish, "signature": signature})
        verdict = (
            self._verdict(answer, attempt)
            if answer.code == _OK
            else await self.fetch_verdict(attempt)
        )
        if verdict.known and verdict.claim not in {Claim.CANCELED, Claim.EXPIRED, Claim.FAILED}:
            raise GatewayRefused(f"payOS did not cancel the order: {answer.words}.")

    async def confirm_webhook(self, url: str) -> None:
        """Tell payOS where our webhook is. It sends its test ping there before it answers.

        Raises GatewayRefused where the ping was not answered with 2xx.
        """
        answer = await self._call("POST", "/confirm-webhook", {"webhookUrl": url})
        if answer.code != _OK:
            raise answer.refusal()

    async def _recover(self, order: CheckoutOrder) -> Checkout:
        answer = await self._call("GET", _order_path(order.our_ref))
        if answer.code != _OK:
            raise GatewayUnreachable(f"payOS has the order and does not show it: {answer.words}.")
        fields = self._fields(answer)
        if fields.whole("amount") != order.amount.minor:
            raise GatewayRefused("The payOS order code is taken by an order of another amount.")
        return self._recovered(fields.name("id"))

    def _recovered(self, link_id: str) -> Checkout:
        url = f"{self._settings.page_url}/web/{quote(link_id, safe='')}"
        return Checkout(provider_id=link_id, checkout_url=url)

    def _checkout(self, fields: Fields, order: CheckoutOrder) -> Checkout:
        _expect(fields.whole("orderCode"), _order_code(order.our_ref), "order code")
        _expect(fields.whole("amount"), order.amount.minor, "amount")
        _expect(fields.name("currency"), order.amount.currency, "currency")
        return Checkout(
            provider_id=fields.name("paymentLinkId"),
            checkout_url=fields.url("checkoutUrl"),
            qr_code=fields.text("qrCode"),
            bank_name=BANKS.get(fields.text("bin")),
            bank_bin=fields.text("bin"),
            account_number=fields.text("accountNumber"),
            account_name=fields.text("accountName"),
            # Not what we sent: payOS puts a code of its own in front.
            transfer_content=fields.text("description"),
        )

    def _verdict(self, answer: "_Envelope", attempt: AttemptRef) -> Verdict:
        fields = self._fields(answer)
        _expect(fields.whole("orderCode"), _order_code(attempt.our_ref), "order code")
        _expect(fields.whole("amount"), attempt.amount.minor, "amount")
        if attempt.provider_id is not None:
            _expect(fields.name("id"), attempt.provider_id, "payment link")
        found: dict[str, Credit] = {}
        for transfer in fields.parts("transactions"):
            credit = self._credit(transfer, attempt.amount.currency)
            if credit is not None and found.setdefault(credit.transaction_id, credit) != credit:
                raise GatewayUnreachable("payOS tells two things about one transfer.")
        return Verdict(
            claim=_CLAIMS.get(fields.text("status"), Claim.PENDING),
            credits=tuple(found.values()),
            checkout=self._recovered(fields.name("id")),
            raw=answer.raw,
        )

    def _notice(self, fields: Fields) -> Notice:
        link, reference = fields.name("paymentLinkId"), fields.name("reference")
        if (link, reference) == _TEST_PING:
            return Notice(f"{link}:{reference}", refs=())
        order_code, currency = str(fields.whole("orderCode")), fields.name("currency")
        try:
            exponent(currency)
        except CurrencyUnknown as error:
            raise fields.fail(str(error)) from None
        arrived = fields.name("code") == _OK
        credit = self._credit(fields, currency) if arrived else None
        return Notice(
            event_id=f"{link}:{reference}",
            refs=(order_code, link),
            # One transfer is not the whole order: only its books say whether it is paid.
            claim=Claim.PENDING,
            credits=() if credit is None else (credit,),
            memo=fields.text("description"),
        )

    def _credit(self, fields: Fields, currency: str) -> Credit | None:
        amount = fields.whole("amount")
        if amount <= 0:
            return None
        at = fields.moment("transactionDateTime", _VIETNAM)
        return Credit(self.name, self.account, fields.name("reference"), amount, currency, at)

    def _signed(self, data: Mapping[str, object], signature: object) -> bool:
        if not isinstance(signature, str) or not _SIGNATURE.fullmatch(signature):
            return False
        given = signature.encode()
        fits = [
            hmac.compare_digest(body_signature(data, key).encode(), given)
            for key in self._settings.checksum_key
        ]
        return any(fits)

    def _fields(self, answer: "_Envelope") -> Fields:
        """The signed data of an answer. Raises GatewayUnreachable where it is not authentic."""
        data = answer.data
        if not isinstance(data, dict) or not self._signed(data, answer.signature):
            raise GatewayUnreachable("payOS's answer is not authentic.")
        return Fields(data, _unusable)

    async def _call(self, method: str, path: str, body: object = None) -> "_Envelope":
        headers = {
            "x-client-id": self._settings.client_id,
            "x-api-key": self._settings.api_key,
            "Content-Type": "application/json",
        }
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        url = self._settings.base_url.rstrip("/") + path
        answer = _open(await self._wire.send(method, url, headers=headers, body=sent))
        if answer.code in _OUR_FAULT:
            raise GatewayUnavailable(f"payOS rejects our keys: {answer.words}.")
        return answer


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What every payOS answer is wrapped in. Business errors come inside HTTP 200."""

    code: str
    words: str
    data: object
    signature: object
    raw: bytes

    def refusal(self) -> GatewayRefused:
        return GatewayRefused(f"payOS says: {self.words} (code {self.code}).")


def create_signature(wish: Mapping[str, object], key: str) -> str:
    """Of a create request: five fields, in this order, not URL-encoded."""
    names = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")
    return _hmac("&".join(f"{name}={wish[name]}" for name in names), key)


def body_signature(data: Mapping[str, object], key: str) -> str:
    """Of a notice's or an answer's data: every field that came, known or not, sorted by name."""
    return _hmac("&".join(f"{name}={_spell(data[name])}" for name in sorted(data)), key)


def _hmac(text: str, key: str) -> str:
    # The key looks like hex and is used as text (payOS docs, "signature").
    return hmac.digest(key.encode(), text.encode(), "sha256").hex()


def _spell(value: object) -> str:
    if value is None or value in ("null", "undefined"):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        rows = [dict(sorted(row.items())) if isinstance(row, dict) else row for row in value]
        return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=float)
    # An object alone is spelled as JavaScript does, which is what payOS signs with.
    return "[object Object]" if isinstance(value, dict) else str(value)


def _unambiguous(data: Mapping[str, object]) -> bool:
    """Whether the text that is signed can be read back in one way only."""
    return all(_KEY.fullmatch(name) and _strict(name, value) for name, value in data.items())


def _strict(name: str, value: object) -> bool:
    if name in _NUMBERS:
        return type(value) is int
    if isinstance(value, str):
        unsafe = _UNSAFE_IN_ID if name in _IDS else _SMUGGLED
        return unsafe.search(value) is None
    if name in _IDS or name in _TEXTS:
        return value is None
    return _SMUGGLED.search(_spell(value)) is None


def _open(reply: Reply) -> _Envelope:
    if reply.status in {401, 403}:
        raise GatewayUnavailable(f"payOS rejects our keys (HTTP {reply.status}).")
    if reply.status in {408, 429} or reply.status >= 500:
        raise GatewayUnreachable(f"payOS cannot answer now (HTTP {reply.status}).")
    try:
        body = strict_json.parse(reply.body, limit=_LARGEST_REPLY)
    except MalformedJson:
        raise GatewayUnreachable("payOS's answer is not JSON that we read.") from None
    code = body.get("code") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(code, str):
        raise GatewayUnreachable("payOS's answer has no code.")
    words = re.sub(r"\s+", " ", str(body.get("desc")))[:300].strip(" .")
    return _Envelope(code[:16], words, body.get("data"), body.get("signature"), reply.body)


def _order_code(our_ref: str) -> int:
    if not _DIGITS.fullmatch(our_ref) or not 0 < int(our_ref) <= LARGEST_MINOR:
        raise Invalid("A payOS order code is a whole number from 1 to 9007199254740991.")
    return int(our_ref)


def _order_path(our_ref: str) -> str:
    return f"{_ORDERS}/{quote(str(_order_code(our_ref)), safe='')}"


def _expect(told: object, ours: object, what: str) -> None:
    if told != ours:
        raise GatewayUnreachable(f"payOS answered about another {what} than we asked about.")


def _unusable(detail: str) -> HubError:
    return GatewayUnreachable(f"payOS's answer makes no sense: {detail}.")


def _senseless(detail: str) -> HubError:
    return Invalid(f"The payOS notice is authentic and makes no sense: {detail}.")
