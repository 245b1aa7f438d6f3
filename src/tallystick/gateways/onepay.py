"""OnePay's order API: an order has a virtual account, and is asked about until it is paid.

No public description of this API was found. Its shape is what one system that used it knew (the
question, its two headers, `Paid`); the rest is our own guess after SePay's virtual account orders.
So the address, the header names, the paths and the words are settings of the account.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote

from tallystick.domain import strict_json
from tallystick.domain.credit import Credit
from tallystick.domain.errors import (
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
from tallystick.domain.timed_ref import drawn_at, timed_ref
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

_LARGEST_REPLY: Final = 1_048_576
_VIETNAM: Final = timezone(timedelta(hours=7))
_SHORTEST_S: Final = 60

# In lower case. A word that is not here says nothing, and leaves everything as it is.
STATUSES: Final[Mapping[str, Claim]] = {
    "paid": Claim.SUCCEEDED,
    "completed": Claim.SUCCEEDED,
    "success": Claim.SUCCEEDED,
    "pending": Claim.PENDING,
    "unpaid": Claim.PENDING,
    "created": Claim.PENDING,
    # The answer does not tell how much has come, so it cannot be counted; but it has come.
    "partially": Claim.PROCESSING,
    "cancelled": Claim.CANCELED,
    "canceled": Claim.CANCELED,
    # Nobody has explained it; what is said later, or paid all the same, counts.
    "rejected": Claim.FAILED,
    "expired": Claim.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class OnePayAccount:
    """The keys, and everything about the API that may be another where the merchant is.

    `{id}` in `order_path` is the gateway's own name for the order, or ours where its answer to the
    create was lost. `currency` is what `amount` is in.
    """

    client_id: str
    api_key: str
    base_url: str = "https://api.onepay.vn"
    client_id_header: str = "X-Client-ID"
    api_key_header: str = "X-API-Key"
    create_path: str = "/v2/order"
    order_path: str = "/v2/order/{id}"
    statuses: Mapping[str, Claim] = field(default_factory=lambda: STATUSES)
    currency: str = "VND"


class OnePay:
    """The gateway "onepay". Asking is the only road to the money; it sends no notice."""

    name = "onepay"

    def __init__(self, account: OnePayAccount, wire: Wire) -> None:
        if not (account.client_id and account.api_key):
            raise NotConfigured("OnePay needs a client id and an API key.")
        if "{id}" not in account.order_path:
            raise NotConfigured("OnePay's order path needs {id} where the order's name goes.")
        if any(word != word.lower() for word in account.statuses):
            raise NotConfigured("OnePay's status words are written in lower case.")
        self.account = account.client_id
        self.capabilities = Capabilities(
            title="OnePay (bank transfer)",
            currencies=frozenset({account.currency}),
            verifies=Trust.FETCHED,
            refunds="manual",
            cancels=False,
            shows_whole=True,
            webhooks=False,
            listens_for=timedelta(days=30),
            # An instant NAPAS transfer stays below 500 million dong.
            largest_minor=499_999_999,
            calls_per_s=5.0,
            tells_parts=False,
        )
        self._settings = account
        self._wire = wire

    def new_ref(self, now: datetime) -> str:
        """An order code: 28 capital letters and digits that grow with time."""
        return timed_ref(now)

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Make the order. Where its code is taken it is our own lost create: recover it."""
        left_s = (order.expires_at - _made_at(order.our_ref)).total_seconds()
        wish = {
            "order_code": order.our_ref,
            "amount": order.amount.minor,
            "description": order.memo,
            "duration": max(_SHORTEST_S, int(left_s)),
            "with_qrcode": "1",
            "return_url": order.return_url,
        }
        reply = await self._call("POST", self._settings.create_path, wish)
        if reply.status == 409:
            return await self._recover(order)
        if 400 <= reply.status < 500:
            raise GatewayRefused(f"OnePay says: {_refusal(reply)} (HTTP {reply.status}).")
        fields = _fields(reply)
        if fields.whole("amount") != order.amount.minor:
            raise GatewayUnreachable("OnePay made an order of another amount than we asked for.")
        return _checkout(fields)

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """Ask for the order. What it says it is worth is compared with what is due.

        The answer has no time of the payment, unless there is a `paid_at`; without one the money
        bears the time at which the order was made, so that lateness cannot be seen.
        """
        reply = await self._ask(attempt.provider_id or attempt.our_ref)
        if reply.status == 404 and _refusal(reply):
            return Verdict(Claim.PENDING, known=False, raw=reply.body)
        fields = _fields(reply)
        order_id = fields.name("id")
        if attempt.provider_id not in {None, order_id}:
            raise GatewayUnreachable("OnePay answered about another order than we asked about.")
        claim = self._settings.statuses.get(fields.text("status").lower(), Claim.PENDING)
        credits_ = (self._credit(fields, attempt),) if claim is Claim.SUCCEEDED else ()
        if any(credit.minor < attempt.amount.minor for credit in credits_):
            claim = Claim.PENDING
        checkout = None if attempt.provider_id else _checkout(fields)
        return Verdict(claim, credits_, checkout=checkout, raw=reply.body)

    def read_notice(self, raw: RawNotice) -> Notice:
        """OnePay's order API is not known to send any, so that nothing can prove one."""
        raise NoticeNotAuthentic("OnePay's order API sends no notices; nothing can prove this one.")

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """Never needed."""
        return Answer(b"{}")

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """There is no call for it; the order's time runs out by itself."""
        raise GatewayRefused("An OnePay order cannot be canceled; it expires by itself.")

    async def _recover(self, order: CheckoutOrder) -> Checkout:
        fields = _fields(await self._ask(order.our_ref))
        if fields.whole("amount") != order.amount.minor:
            raise GatewayRefused("The OnePay order code is taken by an order of another amount.")
        return _checkout(fields)

    def _credit(self, fields: Fields, attempt: AttemptRef) -> Credit:
        # One order is paid once; its id is the only name that this money has.
        amount = fields.whole("amount")
        if amount <= 0:
            raise fields.fail("a paid order is worth nothing")
        dated = isinstance(fields.data.get("paid_at"), str)
        at = fields.moment("paid_at", _VIETNAM) if dated else attempt.created_at
        return Credit(
            self.name, self.account, fields.name("id"), amount, self._settings.currency, at
        )

    async def _ask(self, order_name: str) -> Reply:
        path = self._settings.order_path.replace("{id}", quote(order_name, safe=""))
        return await self._call("GET", path)

    async def _call(self, method: str, path: str, body: object = None) -> Reply:
        headers = {
            self._settings.client_id_header: self._settings.client_id,
            self._settings.api_key_header: self._settings.api_key,
            "Content-Type": "application/json",
        }
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        url = self._settings.base_url.rstrip("/") + path
        reply = await self._wire.send(method, url, headers=headers, body=sent)
        if reply.status in {401, 403}:
            raise GatewayUnavailable(f"OnePay rejects our keys (HTTP {reply.status}).")
        if reply.status in {408, 429} or reply.status >= 500:
            raise GatewayUnreachable(f"OnePay cannot answer now (HTTP {reply.status}).")
        return reply


def _made_at(our_ref: str) -> datetime:
    """When the reference was drawn: the API wants a duration, not a deadline."""
    at = drawn_at(our_ref)
    if at is None:
        raise Invalid("An OnePay order code is TS and 26 more letters and digits of ours.")
    return at


def _checkout(fields: Fields) -> Checkout:
    # A picture in place of the payload is of no use: the page draws the code itself.
    qr_code = fields.data.get("qr_code")
    return Checkout(
        provider_id=fields.name("id"),
        checkout_url=fields.url("checkout_url") if fields.data.get("checkout_url") else None,
        qr_code=qr_code if isinstance(qr_code, str) and qr_code.startswith("000201") else None,
        bank_name=_optional(fields, "bank_name"),
        account_number=_optional(fields, "va_number") or _optional(fields, "account_number"),
        account_name=_optional(fields, "account_holder_name"),
        va_number=_optional(fields, "va_number"),
    )


def _optional(fields: Fields, name: str) -> str | None:
    """A name that may be missing, null or empty."""
    return None if fields.data.get(name) in (None, "") else fields.name(name)


def _object(reply: Reply) -> dict[str, object]:
    try:
        body = strict_json.parse(reply.body, limit=_LARGEST_REPLY)
    except MalformedJson:
        body = None
    if not isinstance(body, dict):
        raise GatewayUnreachable("OnePay's answer is not an object that we read.")
    return body


def _fields(reply: Reply) -> Fields:
    if reply.status not in {200, 201}:
        raise GatewayUnreachable(f"OnePay gives no usable answer (HTTP {reply.status}).")
    return Fields(_object(reply), _unusable)


def _refusal(reply: Reply) -> str:
    """Its words. A refusal without any may be somebody else's: a proxy's, a wrong address's."""
    body = _object(reply)
    words = body.get("message") or body.get("error")
    if not isinstance(words, str):
        raise GatewayUnreachable(f"OnePay refuses and does not say why (HTTP {reply.status}).")
    return re.sub(r"\s+", " ", words)[:300].strip(" .")


def _unusable(detail: str) -> HubError:
    return GatewayUnreachable(f"OnePay's answer makes no sense: {detail}.")
