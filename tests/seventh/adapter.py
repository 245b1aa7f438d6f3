"""Stonebank, a made-up gateway: orders over a JSON API, each paid by any number of transfers.

`tests/seventh/simulator.py` describes its wire format.
"""

import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
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
from tallystick.domain.ids import new_id
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

_CURRENCIES: Final = frozenset({"VND", "LKR"})
_LARGEST_NOTICE: Final = 65_536
_LARGEST_REPLY: Final = 1_048_576
_WINDOW: Final = timedelta(minutes=5)
_TIME: Final = re.compile(r"[0-9]{1,11}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_CLAIMS: Final = {
    "open": Claim.PENDING,
    "settled": Claim.SUCCEEDED,
    "bounced": Claim.FAILED,
    "void": Claim.CANCELED,
    "lapsed": Claim.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class StonebankAccount:
    """One merchant's keys. Any of the secrets may have signed a notice (rotation)."""

    api_key: str
    webhook_secret: tuple[str, ...]
    base_url: str


class Stonebank:
    """The gateway "stonebank"."""

    name = "stonebank"
    capabilities = Capabilities(
        title="Stonebank",
        currencies=_CURRENCIES,
        verifies=Trust.FETCHED,
        refunds="manual",
        cancels=True,
    )

    def __init__(self, account: StonebankAccount, wire: Wire) -> None:
        if not (account.api_key and account.webhook_secret and all(account.webhook_secret)):
            raise NotConfigured("Stonebank needs an API key and a webhook secret.")
        self.account = "stonebank"
        self._settings = account
        self._wire = wire

    def new_ref(self, now: datetime) -> str:
        """Sortable by age, with 80 random bits."""
        return new_id("sb", now).upper()

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Make the offer; the same again is answered with the order that exists."""
        wish = {
            "merchantRef": order.our_ref,
            "amountMinor": order.amount.minor,
            "currency": order.amount.currency,
            "text": order.description,
            "backUrl": order.return_url,
            "cancelUrl": order.cancel_url,
            "validUntil": int(order.expires_at.timestamp()),
        }
        status, answer, _ = await self._call("POST", "", wish)
        if status not in {200, 201}:
            raise _refusal(answer)
        if _terms(answer) != (order.our_ref, order.amount.minor, order.amount.currency):
            raise answer.fail("it is about another order than we asked for")
        return _checkout(answer)

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """Ask by our own reference; an answer on other terms is no answer."""
        status, answer, raw = await self._call("GET", f"/{quote(attempt.our_ref, safe='')}")
        if status == 404 and answer.text("error") == "no_such_order":
            return Verdict(Claim.PENDING, known=False, raw=raw)
        if status != 200:
            raise GatewayUnreachable(f"Stonebank does not tell about the order (HTTP {status}).")
        another = attempt.provider_id not in {None, answer.name("orderNo")}
        wanted = (attempt.our_ref, attempt.amount.minor, attempt.amount.currency)
        if another or _terms(answer) != wanted:
            raise answer.fail("it is about another order than we asked about")
        return Verdict(
            claim=_CLAIMS.get(answer.text("state"), Claim.PENDING),
            credits=tuple(self._credit(row) for row in answer.parts("payments")),
            checkout=_checkout(answer),
            raw=raw,
        )

    def read_notice(self, raw: RawNotice) -> Notice:
        """The bytes are signed, so they are checked before they are read."""
        if not raw.proven:
            self._check(raw)
        try:
            body = strict_json.parse(raw.body, limit=_LARGEST_NOTICE, floats=False)
        except MalformedJson as error:
            raise Invalid(f"The Stonebank notice is authentic and malformed: {error}") from None
        fields = Fields(body if isinstance(body, dict) else {}, _senseless)
        order = fields.part("order")
        return Notice(
            event_id=fields.name("eventNo"),
            refs=(order.name("merchantRef"), order.name("orderNo")),
            claim=_CLAIMS.get(order.text("state"), Claim.PENDING),
            credits=(self._credit(fields.part("payment")),) if "payment" in fields.data else (),
        )

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """Any 2xx will do."""
        return Answer(b"{}")

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """Take the offer back. One that is over, or never arrived, stays as it is."""
        status, answer, _ = await self._call("DELETE", f"/{quote(attempt.our_ref, safe='')}")
        if status != 200 and answer.text("error") != "no_such_order":
            raise _refusal(answer)

    def _check(self, raw: RawNotice) -> None:
        at = raw.headers.get("stonebank-time", "")
        signature = raw.headers.get("stonebank-signature", "")
        if not (_TIME.fullmatch(at) and _SIGNATURE.fullmatch(signature)):
            raise NoticeNotAuthentic("The Stonebank notice has no signature to check.")
        signed = at.encode() + b"\n" + raw.body
        fits = [
            hmac.compare_digest(hmac.digest(secret.encode(), signed, "sha256").hex(), signature)
            for secret in self._settings.webhook_secret
        ]
        if not any(fits):
            raise NoticeNotAuthentic("The Stonebank notice has no valid signature.")
        if abs(raw.received_at - datetime.fromtimestamp(int(at), UTC)) > _WINDOW:
            raise NoticeNotAuthentic("The Stonebank notice was signed too long ago, or ahead.")

    def _credit(self, fields: Fields) -> Credit:
        amount, currency = fields.whole("amountMinor"), fields.name("currency")
        if amount <= 0 or currency not in _CURRENCIES:
            raise fields.fail("a payment has no money that Stonebank moves")
        at = fields.moment("bookedAt")
        return Credit(self.name, self.account, fields.name("paymentNo"), amount, currency, at)

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, Fields, bytes]:
        headers = {"X-Stonebank-Key": self._settings.api_key, "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        url = f"{self._settings.base_url.rstrip('/')}/orders{path}"
        reply = await self._wire.send(method, url, headers=headers, body=sent)
        if reply.status in {401, 403}:
            raise GatewayUnavailable("Stonebank rejects our API key.")
        if reply.status in {408, 429} or reply.status >= 500:
            raise GatewayUnreachable(f"Stonebank cannot answer now (HTTP {reply.status}).")
        try:
            answer = strict_json.parse(reply.body, limit=_LARGEST_REPLY, floats=False)
        except MalformedJson:
            raise GatewayUnreachable("Stonebank's answer is not JSON that we read.") from None
        return (
            reply.status,
            Fields(answer if isinstance(answer, dict) else {}, _unusable),
            reply.body,
        )


def _terms(answer: Fields) -> tuple[str, int, str]:
    return answer.name("merchantRef"), answer.whole("amountMinor"), answer.name("currency")


def _checkout(answer: Fields) -> Checkout:
    url = answer.url("payUrl")
    return Checkout(provider_id=answer.name("orderNo"), checkout_url=url, qr_code=url)


def _refusal(answer: Fields) -> GatewayRefused:
    return GatewayRefused(f"Stonebank says: {answer.text('message')[:300]}")


def _unusable(detail: str) -> HubError:
    return GatewayUnreachable(f"Stonebank's answer makes no sense: {detail}.")


def _senseless(detail: str) -> HubError:
    return Invalid(f"The Stonebank notice is authentic and makes no sense: {detail}.")
