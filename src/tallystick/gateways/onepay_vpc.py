"""OnePay by redirect (VPC): the payer pays by card or QR on OnePay's own page.

Sources: npm `vn-payments` 1.1.0 and the tests of node-vn-payments with real sandbox answers,
phpviet/omnipay-onepay, the demo addresses of OnePay's developer site; read 2026-11. Nothing public
says how an access that is refused is told; HTTP 401 and 403 are our guess.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode

from tallystick.domain.credit import Credit
from tallystick.domain.errors import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnreachable,
    HubError,
    Invalid,
    NotConfigured,
    NoticeNotAuthentic,
)
from tallystick.domain.evidence import Claim, Trust
from tallystick.domain.fields import Fields
from tallystick.domain.money import LARGEST_MINOR, Money
from tallystick.domain.timed_ref import drawn_at, timed_ref
from tallystick.gateways.abilities import RefundOrder, RefundVerdict
from tallystick.gateways.base import (
    Answer,
    AttemptRef,
    Capabilities,
    Checkout,
    CheckoutOrder,
    Notice,
    RawNotice,
    Standing,
    Verdict,
    Wire,
)

_LARGEST: Final = 65_536
_MOST_FIELDS: Final = 100
_HASH: Final = re.compile(r"[0-9A-Fa-f]{64}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# The signed text escapes nothing: with these inside a value it could be read in two ways.
_SMUGGLED: Final = re.compile(r"&(?:vpc|user)_")
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_REF: Final = re.compile(r"[A-Za-z0-9_.:-]{1,34}")
_UNSIGNED: Final = {"vpc_SecureHash", "vpc_SecureHashType"}
_LONGEST_URL: Final = 255
_HUNDREDTHS: Final = 100
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}

_OK: Final = "0"
# Not finished, timed out at the bank, pending: only asking again tells.
_UNDECIDED: Final = {"100", "253", "300"}
_CANCELED: Final = "99"


@dataclass(frozen=True, slots=True)
class OnePayVPCAccount:
    """One merchant. The first hash key (hex) signs; all of them are accepted (rotation).

    `callback_url` is where OnePay sends its notices (IPN). `ticket_no` stands for the payer's
    address, which is not known here.
    """

    merchant: str
    access_code: str
    hash_keys: tuple[str, ...]
    user: str
    password: str
    callback_url: str | None = None
    base_url: str = "https://onepay.vn"
    pay_path: str = "/paygate/vpcpay.op"
    query_path: str = "/msp/api/v1/vpc/invoices/queries"
    refund_path: str = "/msp/api/v1/vpc/refunds"
    locale: Literal["vn", "en"] = "vn"
    operator: str = "tallystick"
    ticket_no: str = "127.0.0.1"


class OnePayVPC:
    """The gateway "onepay_vpc"."""

    name = "onepay_vpc"
    capabilities = Capabilities(
        title="OnePay (card, QR)",
        currencies=frozenset({"VND"}),
        verifies=Trust.FETCHED,
        refunds="api",
        cancels=False,
        shows_whole=True,
        listens_for=timedelta(hours=72),
        # The docs' limit of a domestic payment.
        largest_minor=999_999_999,
        calls_per_s=5.0,
        notice_methods=frozenset({"GET", "POST"}),
    )

    def __init__(self, account: OnePayVPCAccount, wire: Wire) -> None:
        needed = (account.merchant, account.access_code, account.user, account.password)
        if not all(needed):
            raise NotConfigured("OnePay needs a merchant, an access code, a user and a password.")
        self._keys = tuple(_key(text) for text in account.hash_keys)
        if not self._keys:
            raise NotConfigured("OnePay needs a hash key; without one anyone could sign.")
        self.account = account.merchant
        self._settings = account
        self._wire = wire

    def new_ref(self, now: datetime) -> str:
        """A transaction reference: 28 of the 34 characters that OnePay takes."""
        return timed_ref(now)

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """The address that the payer's browser goes to. Nobody is asked.

        OnePay hears of it when the payer comes, and takes each reference once.
        """
        wish = {
            "vpc_Version": "2",
            "vpc_Command": "pay",
            "vpc_AccessCode": self._settings.access_code,
            "vpc_Merchant": self._settings.merchant,
            "vpc_Locale": self._settings.locale,
            "vpc_Currency": "VND",
            "vpc_MerchTxnRef": _ref(order.our_ref),
            "vpc_OrderInfo": order.memo,
            "vpc_Amount": str(order.amount.minor * _HUNDREDTHS),
            "vpc_ReturnURL": order.return_url,
            "vpc_CallbackURL": self._settings.callback_url or "",
            "vpc_TicketNo": self._settings.ticket_no,
            "AgainLink": order.cancel_url,
            "Title": "Tallystick",
        }
        if len(order.return_url) > _LONGEST_URL:
            raise GatewayRefused("OnePay takes a return address of at most 255 characters.")
        if not _is_unambiguous(wish):
            raise GatewayRefused("An address for OnePay must not have &vpc_ or &user_ in it.")
        signed = self._signed({name: value for name, value in wish.items() if value})
        url = self._settings.base_url.rstrip("/") + self._settings.pay_path
        return Checkout(checkout_url=f"{url}?{urlencode(signed)}")

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """Ask for the transaction by our reference (queryDR).

        The answer has no time, so the money bears the time of the reference: when the payer could
        pay it at the earliest.
        """
        told, raw = await self._query(attempt.our_ref)
        if told.get("vpc_DRExists") == "N":
            return Verdict(Claim.PENDING, known=False, raw=raw)
        claim, credit = self._outcome(Fields(told, _unusable), attempt.our_ref, attempt.created_at)
        if credit is not None and credit.minor < attempt.amount.minor:
            claim = Claim.PENDING
        money = () if credit is None else (credit,)
        return Verdict(claim, money, raw=raw, refunded_minor=_gone(told))

    def read_notice(self, raw: RawNotice) -> Notice:
        """An IPN, by GET or POST: its fields are in the query, or in a form."""
        told = _parameters(raw)
        if not (raw.proven or self._is_signed(told)):
            raise NoticeNotAuthentic("The OnePay notice has no valid hash.")
        fields = Fields(told, _senseless)
        if fields.name("vpc_Merchant") != self._settings.merchant:
            raise _senseless("it is for another merchant")
        ref = fields.name("vpc_MerchTxnRef")
        claim, credit = self._outcome(fields, ref, raw.received_at)
        number, code = told.get("vpc_TransactionNo", ""), fields.name("vpc_TxnResponseCode")
        return Notice(
            event_id=f"{ref}:{number}:{code}",
            refs=(ref,),
            claim=claim,
            credits=() if credit is None else (credit,),
            memo=told.get("vpc_OrderInfo", ""),
        )

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """OnePay repeats a notice until it hears `responsecode=1`, so duplicates hear it too."""
        return Answer(b"responsecode=1&desc=confirm-success", content_type="text/plain")

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """There is no call for it."""
        raise GatewayRefused("An OnePay page cannot be taken back; it times out by itself.")

    async def refund(self, order: RefundOrder) -> RefundVerdict:
        """Give money back. Our refund's id is its reference there, and is asked about first.

        So a refund whose answer was lost is found again and not made twice.
        """
        known = await self.find_refund(order)
        if known is not None:
            return known
        wish = {
            "vpc_Command": "refund",
            "vpc_Version": "2",
            "vpc_MerchTxnRef": _ref(order.refund_id),
            "vpc_OrgMerchTxnRef": _ref(order.attempt.our_ref),
            "vpc_Amount": str(order.amount.minor * _HUNDREDTHS),
            "vpc_Operator": self._settings.operator,
            "vpc_Merchant": self._settings.merchant,
            "vpc_AccessCode": self._settings.access_code,
        }
        told, raw = await self._ask(self._settings.refund_path, wish)
        return _refunded(order, told, raw)

    async def find_refund(self, order: RefundOrder) -> RefundVerdict | None:
        """Ask for the refund by its reference, which is our id (queryDR)."""
        told, raw = await self._query(_ref(order.refund_id))
        return None if told.get("vpc_DRExists") == "N" else _refunded(order, told, raw)

    async def fetch_refunds(self, attempt: AttemptRef) -> tuple[RefundVerdict, ...]:
        """What has gone back in all: OnePay has no list of refunds, only a sum (see `_gone`)."""
        told, raw = await self._query(attempt.our_ref)
        minor = _gone(told) if told.get("vpc_DRExists") == "Y" else None
        if not minor:
            return ()
        money = Money(minor, "VND")
        name = f"{attempt.our_ref}/{minor}"
        return (RefundVerdict(name, "succeeded", money, raw=raw, of_all=True),)

    def _outcome(
        self, fields: Fields, ref: str, otherwise_at: datetime
    ) -> tuple[Claim, Credit | None]:
        """What became of a transaction, and its money."""
        code = fields.name("vpc_TxnResponseCode")
        if code != _OK:
            undecided = Claim.PENDING if code in _UNDECIDED else Claim.FAILED
            return (Claim.CANCELED if code == _CANCELED else undecided), None
        currency = fields.data.get("vpc_CurrencyCode", "VND")
        if currency not in {"VND", "704"}:
            raise fields.fail("the currency is not VND")
        return Claim.SUCCEEDED, Credit(
            gateway=self.name,
            account=self.account,
            transaction_id=fields.name("vpc_TransactionNo"),
            minor=_dong(fields),
            currency="VND",
            at=drawn_at(ref) or otherwise_at,
        )

    async def _query(self, ref: str) -> tuple[dict[str, str], bytes]:
        wish = {
            "vpc_Command": "queryDR",
            "vpc_Version": "2",
            "vpc_MerchTxnRef": _ref(ref),
            "vpc_Merchant": self._settings.merchant,
            "vpc_AccessCode": self._settings.access_code,
            "vpc_User": self._settings.user,
            "vpc_Password": self._settings.password,
        }
        told, raw = await self._ask(self._settings.query_path, wish)
        if told.get("vpc_DRExists") not in {"Y", "N"}:
            raise _unusable("it does not say whether the transaction exists")
        if told.get("vpc_MerchTxnRef", ref) != ref:
            raise _unusable("it is about another transaction")
        return told, raw

    async def _ask(self, path: str, wish: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
        url = self._settings.base_url.rstrip("/") + path
        sent = urlencode(self._signed(wish)).encode()
        reply = await self._wire.send("POST", url, headers=_FORM, body=sent)
        if reply.status in {401, 403}:
            raise GatewayUnavailable(f"OnePay rejects our access (HTTP {reply.status}).")
        if reply.status != 200:
            raise GatewayUnreachable(f"OnePay cannot answer now (HTTP {reply.status}).")
        told = _pairs(reply.body)
        if told is None:
            raise _unusable("it is not a form")
        # Not every answer is said to carry one; where there is one it has to be right.
        if "vpc_SecureHash" in told and not self._is_signed(told):
            raise _unusable("its hash is wrong")
        return told, reply.body

    def _signed(self, wish: Mapping[str, str]) -> dict[str, str]:
        return {**wish, "vpc_SecureHash": _digest(wish, self._keys[0])}

    def _is_signed(self, told: Mapping[str, str]) -> bool:
        given = told.get("vpc_SecureHash", "")
        if not _HASH.fullmatch(given) or not _is_unambiguous(told):
            return False
        fits = [hmac.compare_digest(_digest(told, key), given.upper()) for key in self._keys]
        return any(fits)


def secure_hash(told: Mapping[str, str], hex_key: str) -> str:
    """Of a request, a notice or an answer: its non-empty vpc_ and user_ fields, in byte order.

    The key is decoded from hex; the result is in capitals.
    """
    return _digest(told, bytes.fromhex(hex_key))


def _digest(told: Mapping[str, str], key: bytes) -> str:
    text = "&".join(
        f"{name}={told[name]}"
        for name in sorted(told)
        if name.startswith(("vpc_", "user_")) and name not in _UNSIGNED and told[name]
    )
    return hmac.digest(key, text.encode(), "sha256").hex().upper()


def _is_unambiguous(told: Mapping[str, str]) -> bool:
    """Whether the text that is signed can be read back in one way only."""
    return all(
        _NAME.fullmatch(name) and not _SMUGGLED.search(value)
        for name, value in told.items()
        if name.startswith(("vpc_", "user_"))
    )


def _refunded(order: RefundOrder, told: Mapping[str, str], raw: bytes) -> RefundVerdict:
    code = Fields(told, _unusable).name("vpc_TxnResponseCode")
    claim: Literal["pending", "succeeded", "failed"] = (
        "succeeded" if code == _OK else "pending" if code in _UNDECIDED else "failed"
    )
    return RefundVerdict(
        provider_id=told.get("vpc_TransactionNo") or order.refund_id,
        claim=claim,
        amount=order.amount,
        refund_id=order.refund_id,
        raw=raw,
        transaction_id=order.transaction_id,
    )


def _gone(told: Mapping[str, str]) -> int | None:
    """What went back of a payment in all, where queryDR says so.

    `vpc_RefundedAmount` is of the protocol (Mastercard's Virtual Payment Client) that OnePay's is
    made after; whether OnePay sends it is not public. Without it nothing of the portal is seen.
    """
    text = told.get("vpc_RefundedAmount", "")
    return int(text) // _HUNDREDTHS if _DIGITS.fullmatch(text) else None


def _parameters(raw: RawNotice) -> dict[str, str]:
    told = _pairs(raw.query.encode("latin-1", "replace") or raw.body)
    if told is None:
        raise NoticeNotAuthentic("The OnePay notice is not a form that can be checked.")
    return told


def _pairs(raw: bytes) -> dict[str, str] | None:
    """A URL-encoded form whose names differ, or None."""
    if len(raw) > _LARGEST:
        return None
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, strict_parsing=True,
            errors="strict", max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError:
        return None
    told = dict(pairs)
    return told if len(told) == len(pairs) else None


def _dong(fields: Fields) -> int:
    text = fields.text("vpc_Amount")
    minor, rest = divmod(int(text), _HUNDREDTHS) if _DIGITS.fullmatch(text) else (0, 1)
    if rest or not 0 < minor <= LARGEST_MINOR:
        raise fields.fail("vpc_Amount is not a hundredfold of whole dong")
    return minor


def _key(text: str) -> bytes:
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2}){8,}", text):
        raise NotConfigured("OnePay's hash key is at least 16 hexadecimal digits.")
    return bytes.fromhex(text)


def _ref(text: str) -> str:
    if not _REF.fullmatch(text):
        raise Invalid("A OnePay reference is up to 34 letters, digits and marks.")
    return text


def _unusable(detail: str) -> HubError:
    return GatewayUnreachable(f"OnePay's answer makes no sense: {detail}.")


def _senseless(detail: str) -> HubError:
    return Invalid(f"The OnePay notice is authentic and makes no sense: {detail}.")
