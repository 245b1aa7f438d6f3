"""SePay's payment gateway: a hosted checkout by card, QR or NAPAS, which a browser form opens.

Sources: developer.sepay.vn (payment gateway), sepayvn/sepay-pg-php, npm `sepay-pg-node` 1.0.0;
read 2026-11. PyPI's `sepay-pg` 1.0.0 signs in an order of its own; ours suits it as well.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote

from tallystick.domain import strict_json
from tallystick.domain.credit import Credit
from tallystick.domain.errors import (
    AmountInvalid,
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
from tallystick.domain.money import Money
from tallystick.domain.timed_ref import timed_ref
from tallystick.gateways.base import (
    Answer,
    AttemptRef,
    Capabilities,
    Checkout,
    CheckoutForm,
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
_INVOICE: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")

# What is signed, where it is in the form; `custom_data` is not. Both official SDKs.
SIGNED: Final = frozenset({
    "merchant", "env", "operation", "payment_method", "order_amount", "currency",
    "order_invoice_number", "order_description", "customer_id", "agreement_id", "agreement_name",
    "agreement_type", "agreement_payment_frequency", "agreement_amount_per_payment",
    "success_url", "error_url", "cancel_url", "order_id",
})  # fmt: skip
_CLAIMS: Final = {
    "AUTHENTICATION_NOT_NEEDED": Claim.PENDING,
    "CAPTURED": Claim.SUCCEEDED,
    "CANCELLED": Claim.CANCELED,
}


@dataclass(frozen=True, slots=True)
class SePayPGAccount:
    """One merchant. The first secret key signs and asks; all are accepted in notices (rotation).

    `keyed_notices` is false where the merchant chose no authentication for the IPN; then a notice
    only says where to look.
    """

    merchant_id: str
    secret_keys: tuple[str, ...]
    base_url: str = "https://pgapi.sepay.vn/v1"
    checkout_url: str = "https://pay.sepay.vn/v1/checkout/init"
    payment_method: str | None = None
    keyed_notices: bool = True


class SePayPG:
    """The gateway "sepay_pg"."""

    name = "sepay_pg"
    capabilities = Capabilities(
        title="SePay (card, QR)",
        currencies=frozenset({"VND"}),
        verifies=Trust.FETCHED,
        refunds="manual",
        cancels=True,
        shows_whole=True,
        listens_for=timedelta(days=30),
        largest_minor=499_999_999,
        calls_per_s=3.0,
    )

    def __init__(self, account: SePayPGAccount, wire: Wire) -> None:
        if not (account.merchant_id and account.secret_keys and all(account.secret_keys)):
            raise NotConfigured("SePay's payment gateway needs a merchant id and a secret key.")
        self.account = account.merchant_id
        self._settings = account
        self._wire = wire

    def new_ref(self, now: datetime) -> str:
        """An invoice number that grows with time."""
        return timed_ref(now)

    def checkout_form(self, order: CheckoutOrder) -> CheckoutForm:
        """The signed form. SePay hears of the order when the payer's browser posts it."""
        fields = {
            # In the order in which the SDKs list what is signed: one of them signs in that order
            # whatever the form's is, so that both readings give the same signature.
            "merchant": self._settings.merchant_id,
            "operation": "PURCHASE",
            "payment_method": self._settings.payment_method,
            "order_amount": str(order.amount.minor),
            "currency": "VND",
            "order_invoice_number": _invoice(order.our_ref),
            # The signed text separates by commas and escapes nothing.
            "order_description": re.sub(r"[,=\s]+", " ", f"{order.memo} {order.description}"),
            "success_url": order.return_url.replace(",", "%2C"),
            "error_url": order.return_url.replace(",", "%2C"),
            "cancel_url": order.cancel_url.replace(",", "%2C"),
        }
        given = {name: value for name, value in fields.items() if value}
        signature = form_signature(given, self._settings.secret_keys[0])
        return CheckoutForm(self._settings.checkout_url, {**given, "signature": signature})

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """The page of ours that posts the form. Nobody is asked."""
        self.checkout_form(order)
        return Checkout(checkout_url=order.form_url)

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """Ask for the order by our invoice number."""
        reply = await self._ask("GET", f"/order/detail/{quote(_invoice(attempt.our_ref), safe='')}")
        if reply.status == 404 and _refusal(reply):
            return Verdict(Claim.PENDING, known=False, raw=reply.body)
        fields = _fields(reply).part("data")
        if fields.name("order_invoice_number") != attempt.our_ref:
            raise GatewayUnreachable("SePay answered about another order than we asked about.")
        if _money(fields, "order_amount", "order_currency") != attempt.amount:
            raise GatewayUnreachable("SePay answered about an order of another amount.")
        found: dict[str, Credit] = {}
        for row in fields.parts("transactions"):
            credit = self._credit(row, fields)
            if credit is not None and found.setdefault(credit.transaction_id, credit) != credit:
                raise GatewayUnreachable("SePay tells two things about one transaction.")
        claim = _CLAIMS.get(fields.text("order_status"), Claim.PENDING)
        return Verdict(claim, tuple(found.values()), raw=reply.body)

    def read_notice(self, raw: RawNotice) -> Notice:
        """An IPN. Its body is not signed: what it says is only a reason to ask."""
        if not raw.proven:
            self._check_sender(raw)
        try:
            body = strict_json.parse(raw.body, limit=_LARGEST_NOTICE)
        except MalformedJson as error:
            raise self._unreadable(error.detail) from None
        if not isinstance(body, dict):
            raise self._unreadable("it is not an object")
        fields = Fields(body, self._unreadable)
        order, transaction = fields.part("order"), fields.part("transaction")
        credit = self._credit(transaction, order)
        kind, invoice = fields.name("notification_type"), order.name("order_invoice_number")
        return Notice(
            event_id=f"{kind}:{invoice}:{transaction.name('id')}",
            refs=(invoice,),
            claim=Claim.PENDING,
            credits=() if credit is None or kind != "ORDER_PAID" else (credit,),
            memo=str(order.data.get("order_description") or ""),
        )

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """HTTP 200 is what counts."""
        return Answer(b'{"success":true}')

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """Take the order back; whatever SePay says to it, its books decide what happened."""
        body = json.dumps({"order_invoice_number": _invoice(attempt.our_ref)}).encode()
        reply = await self._ask("POST", "/order/cancel", body)
        verdict = await self.fetch_verdict(attempt)
        if verdict.known and verdict.claim is not Claim.CANCELED:
            raise GatewayRefused(f"SePay did not cancel the order (HTTP {reply.status}).")

    def _check_sender(self, raw: RawNotice) -> None:
        told = raw.headers.get("x-secret-key")
        if told is None and not self._settings.keyed_notices:
            return
        given = (told or "").encode("utf-8", "replace")
        fits = [hmac.compare_digest(key.encode(), given) for key in self._settings.secret_keys]
        if not any(fits):
            raise NoticeNotAuthentic("The SePay notice has no valid secret key.")

    def _unreadable(self, detail: str) -> HubError:
        """Nonsense from a sender who proved nothing is nobody's."""
        if not self._settings.keyed_notices:
            return NoticeNotAuthentic(f"The SePay notice cannot be read: {detail}.")
        return Invalid(f"The SePay notice is authentic and makes no sense: {detail}.")

    def _credit(self, row: Fields, order: Fields) -> Credit | None:
        paid = (row.text("transaction_type"), row.text("transaction_status"))
        if paid != ("PAYMENT", "APPROVED"):
            return None
        money = _money(row, "transaction_amount", "transaction_currency")
        if money.minor <= 0:
            return None
        dated = (
            (row, "transaction_date") if row.data.get("transaction_date") else (order, "updated_at")
        )
        at = dated[0].moment(dated[1], _VIETNAM)
        return Credit(self.name, self.account, row.name("id"), money.minor, money.currency, at)

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        pair = f"{self._settings.merchant_id}:{self._settings.secret_keys[0]}"
        headers = {
            "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
            "Content-Type": "application/json",
        }
        url = self._settings.base_url.rstrip("/") + path
        reply = await self._wire.send(method, url, headers=headers, body=body)
        if reply.status in {401, 403}:
            raise GatewayUnavailable(f"SePay rejects our keys (HTTP {reply.status}).")
        if reply.status in {408, 429} or reply.status >= 500:
            raise GatewayUnreachable(f"SePay cannot answer now (HTTP {reply.status}).")
        return reply


def form_signature(fields: Mapping[str, str], secret: str) -> str:
    """Of a checkout form: its signed fields in the order of the form, also the empty ones."""
    text = ",".join(f"{name}={value}" for name, value in fields.items() if name in SIGNED)
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


def _invoice(our_ref: str) -> str:
    if not _INVOICE.fullmatch(our_ref):
        raise Invalid("A SePay invoice number is up to 100 letters, digits, - and _.")
    return our_ref


def _money(fields: Fields, amount: str, currency: str) -> Money:
    """Decimal text with or without a fraction, which has to be zero ("50000", "50000.00")."""
    text = fields.name(amount)
    if not re.fullmatch(r"[0-9]{1,13}(?:\.0{1,2})?", text) or fields.text(currency) != "VND":
        raise fields.fail(f"{amount} is not an amount of dong")
    try:
        return Money.parse(text, "VND")
    except AmountInvalid as error:
        raise fields.fail(error.detail) from None


def _object(reply: Reply) -> dict[str, object]:
    try:
        body = strict_json.parse(reply.body, limit=_LARGEST_REPLY)
    except MalformedJson:
        body = None
    if not isinstance(body, dict):
        raise GatewayUnreachable("SePay's answer is not an object that we read.")
    return body


def _fields(reply: Reply) -> Fields:
    if reply.status != 200:
        raise GatewayUnreachable(f"SePay gives no usable answer (HTTP {reply.status}).")
    return Fields(_object(reply), _unusable)


def _refusal(reply: Reply) -> str:
    """Its words. A refusal without any may be somebody else's: a proxy's, a wrong address's."""
    body = _object(reply)
    words = body.get("message") or body.get("error")
    if not isinstance(words, str):
        raise GatewayUnreachable(f"SePay refuses and does not say why (HTTP {reply.status}).")
    return words


def _unusable(detail: str) -> HubError:
    return GatewayUnreachable(f"SePay's answer makes no sense: {detail}.")
