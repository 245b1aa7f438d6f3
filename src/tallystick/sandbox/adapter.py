"""The sandbox: our own simple gateway in any currency, to try things without real money.

It exists as a simulator only; `tallystick.sandbox.simulators.sandbox` describes its wire format.
"""

import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from tallystick.domain import strict_json
from tallystick.domain.credit import Credit
from tallystick.domain.dispute import Dispute, DisputeState
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
from tallystick.domain.ids import new_id
from tallystick.domain.money import Money, exponent
from tallystick.domain.reconciliation import Entry
from tallystick.gateways.abilities import EntryPage, RefundOrder, RefundVerdict
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

_LARGEST_NOTICE: Final = 65_536
_LARGEST_REPLY: Final = 1_048_576
# A notice signed longer ago, or longer ahead, than this may be an old one played again.
_WINDOW: Final = timedelta(minutes=5)
_SIGNATURE: Final = re.compile(r"t=([0-9]{1,11})((?:,v1=[0-9a-f]{64}){1,5})")
_CLAIMS: Final = {
    "pending": Claim.PENDING,
    "processing": Claim.PROCESSING,
    "succeeded": Claim.SUCCEEDED,
    "failed": Claim.FAILED,
    "canceled": Claim.CANCELED,
    "expired": Claim.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """Where the simulator is, and the same keys as its. Any of the secrets may have signed."""

    api_key: str
    webhook_secret: tuple[str, ...]
    base_url: str


class Sandbox:
    """The gateway "sandbox"."""

    name = "sandbox"
    capabilities = Capabilities(
        title="Sandbox",
        currencies=frozenset(),
        verifies=Trust.FETCHED,
        refunds="api",
        cancels=True,
        shows_whole=True,
        calls_per_s=50.0,
    )

    def __init__(self, account: SandboxAccount, wire: Wire) -> None:
        if not (account.api_key and account.webhook_secret and all(account.webhook_secret)):
            raise NotConfigured("The sandbox needs an API key and a webhook secret.")
        self.account = "sandbox"
        self._settings = account
        self._wire = wire

    def new_ref(self, now: datetime) -> str:
        """Sortable by age, with 80 random bits."""
        return f"sbx_{new_id('sb', now).removeprefix('sb_')}"

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Make the offer; the sandbox answers a repeated reference with the same one."""
        wish = {
            "reference": order.our_ref,
            "amount": order.amount.minor,
            "currency": order.amount.currency,
            "description": order.description,
            "returnUrl": order.return_url,
            "cancelUrl": order.cancel_url,
            "expiresAt": order.expires_at.isoformat(),
        }
        status, answer, _ = await self._call("POST", "", wish)
        if status not in {200, 201}:
            raise _refusal(answer)
        if (answer.name("reference"), answer.whole("amount"), answer.name("currency")) != (
            order.our_ref, order.amount.minor, order.amount.currency,
        ):  # fmt: skip
            raise answer.fail("it is about another offer than we asked for")
        return _checkout(answer)

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """Ask for the payment by our own reference."""
        status, answer, raw = await self._call("GET", f"/{quote(attempt.our_ref, safe='')}")
        if status == 404 and _unknown(answer):
            return Verdict(Claim.PENDING, known=False, raw=raw)
        if status != 200:
            raise GatewayUnreachable(f"The sandbox does not tell about it (HTTP {status}).")
        return self._verdict(answer, attempt, raw)

    def read_notice(self, raw: RawNotice) -> Notice:
        """The bytes are signed, so they are checked before they are read."""
        if not raw.proven:
            self._check(raw)
        try:
            body = strict_json.parse(raw.body, limit=_LARGEST_NOTICE, floats=False)
        except MalformedJson as error:
            raise Invalid(f"The sandbox notice is authentic and malformed: {error}") from None
        fields = Fields(body if isinstance(body, dict) else {}, _senseless)
        event_id = fields.name("id")
        if "payment" not in fields.data:
            return Notice(event_id, refs=())
        payment = fields.part("payment")
        return Notice(
            event_id=event_id,
            refs=(payment.name("reference"), payment.name("id")),
            claim=_CLAIMS.get(payment.text("status"), Claim.PENDING),
            credits=(self._credit(fields.part("transfer")),) if "transfer" in fields.data else (),
        )

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """Any 2xx will do."""
        return Answer(b'{"received":true}')

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """Take the offer back. One that is over already stays as it is."""
        path = f"/{quote(attempt.our_ref, safe='')}/cancel"
        status, answer, _ = await self._call("POST", path, {"reason": reason[:255]})
        if status != 200 and not (status == 404 and _unknown(answer)):
            raise _refusal(answer)

    async def refund(self, order: RefundOrder) -> RefundVerdict:
        """Give money back; the sandbox answers a repeated reference with the same refund."""
        path = f"/v1/payments/{quote(order.attempt.our_ref, safe='')}/refunds"
        wish = {
            "reference": order.refund_id,
            "transfer": order.transaction_id,
            "amount": order.amount.minor,
            "currency": order.amount.currency,
            "reason": order.reason,
        }
        status, answer, raw = await self._send("POST", path, wish)
        if status not in {200, 201}:
            raise _refusal(answer)
        return _refund(answer, raw)

    async def find_refund(self, order: RefundOrder) -> RefundVerdict | None:
        """Ask for the refund by its reference, which is our id."""
        path = f"/v1/refunds/{quote(order.refund_id, safe='')}"
        status, answer, raw = await self._send("GET", path)
        if status == 404 and _unknown(answer):
            return None
        if status != 200:
            raise GatewayUnreachable(f"The sandbox does not tell about it (HTTP {status}).")
        return _refund(answer, raw)

    async def fetch_refunds(self, attempt: AttemptRef) -> tuple[RefundVerdict, ...]:
        """All refunds of the payment, those of its dashboard too."""
        path = f"/v1/payments/{quote(attempt.our_ref, safe='')}/refunds"
        status, answer, raw = await self._send("GET", path)
        if status != 200:
            raise GatewayUnreachable(f"The sandbox does not tell about it (HTTP {status}).")
        return tuple(_refund(row, raw) for row in answer.parts("refunds"))

    async def list_transactions(self, since: datetime, until: datetime, page: int) -> EntryPage:
        """Every transfer that came, with what of it went back, on one page."""
        span = urlencode({"from": since.isoformat(), "to": until.isoformat()})
        status, answer, _ = await self._send("GET", f"/v1/transfers?{span}")
        if status != 200:
            raise GatewayUnreachable(f"The sandbox does not list (HTTP {status}).")
        return EntryPage(tuple(self._entry(row) for row in answer.parts("transfers")), more=False)

    async def list_disputes(self, since: datetime) -> tuple[Dispute, ...]:
        """Every dispute that there is."""
        status, answer, _ = await self._send("GET", "/v1/disputes")
        if status != 200:
            raise GatewayUnreachable(f"The sandbox does not list (HTTP {status}).")
        told = [(row, row.moment("createdAt")) for row in answer.parts("disputes")]
        return tuple(
            Dispute(
                row.name("id"), row.name("transfer"),
                Money(row.whole("amount"), row.name("currency")),
                _DISPUTES.get(row.text("status"), DisputeState.OPEN), at,
            )
            for row, at in told
            if at >= since
        )  # fmt: skip

    def _entry(self, row: Fields) -> Entry:
        credit = self._credit(row)
        refs = (row.name("reference"),)
        return Entry(credit.transaction_id, credit.money, credit.at, refs, row.whole("refunded"))

    def _check(self, raw: RawNotice) -> None:
        form = _SIGNATURE.fullmatch(raw.headers.get("sandbox-signature", ""))
        if form is None:
            raise NoticeNotAuthentic("The sandbox notice has no signature that can be checked.")
        given = [part.removeprefix("v1=").encode() for part in form[2].split(",") if part]
        signed = form[1].encode() + b"." + raw.body
        wanted = [
            hmac.digest(secret.encode(), signed, "sha256").hex().encode()
            for secret in self._settings.webhook_secret
        ]
        fits = [hmac.compare_digest(one, other) for one in given for other in wanted]
        if not any(fits):
            raise NoticeNotAuthentic("The sandbox notice has no valid signature.")
        if abs(raw.received_at - datetime.fromtimestamp(int(form[1]), UTC)) > _WINDOW:
            raise NoticeNotAuthentic("The sandbox notice was signed too long ago, or ahead.")

    def _verdict(self, answer: Fields, attempt: AttemptRef, raw: bytes) -> Verdict:
        told = (answer.name("reference"), answer.whole("amount"), answer.name("currency"))
        asked = (attempt.our_ref, attempt.amount.minor, attempt.amount.currency)
        another = attempt.provider_id not in {None, answer.name("id")}
        if told != asked or another:
            raise answer.fail("it is about another payment than we asked about")
        return Verdict(
            claim=_CLAIMS.get(answer.text("status"), Claim.PENDING),
            credits=tuple(self._credit(row) for row in answer.parts("transfers")),
            checkout=_checkout(answer),
            raw=raw,
            refunded_minor=answer.whole("amountRefunded"),
        )

    def _credit(self, fields: Fields) -> Credit:
        amount, currency = fields.whole("amount"), fields.name("currency")
        try:
            exponent(currency)
        except CurrencyUnknown as error:
            raise fields.fail(str(error)) from None
        if amount <= 0:
            raise fields.fail("a transfer has no money")
        at = fields.moment("createdAt")
        return Credit(self.name, self.account, fields.name("id"), amount, currency, at)

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, Fields, bytes]:
        return await self._send(method, f"/v1/payments{path}", body)

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, Fields, bytes]:
        headers = {
            "Authorization": f"Bearer {self._settings.api_key}",
            "Content-Type": "application/json",
        }
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        url = f"{self._settings.base_url.rstrip('/')}{path}"
        reply = await self._wire.send(method, url, headers=headers, body=sent)
        if reply.status in {401, 403}:
            raise GatewayUnavailable("The sandbox rejects our API key.")
        if reply.status in {408, 429} or reply.status >= 500:
            raise GatewayUnreachable(f"The sandbox cannot answer now (HTTP {reply.status}).")
        try:
            answer = strict_json.parse(reply.body, limit=_LARGEST_REPLY, floats=False)
        except MalformedJson:
            raise GatewayUnreachable("The sandbox's answer is not JSON that we read.") from None
        if not isinstance(answer, dict):
            raise GatewayUnreachable("The sandbox's answer is not an object.")
        return reply.status, Fields(answer, _unusable), reply.body


def _checkout(answer: Fields) -> Checkout:
    return Checkout(
        provider_id=answer.name("id"),
        checkout_url=answer.url("checkoutUrl"),
        qr_code=answer.text("qrCode"),
    )


_DISPUTES: Final = {"lost": DisputeState.LOST, "won": DisputeState.WON}
_REFUND_CLAIMS: Final[dict[str, Literal["pending", "succeeded", "failed", "canceled"]]] = {
    "pending": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
}


def _refund(answer: Fields, raw: bytes) -> RefundVerdict:
    ours = answer.data.get("reference")
    amount = answer.whole("amount")
    if amount <= 0:
        raise answer.fail("a refund has no money")
    try:
        money = Money(amount, answer.name("currency"))
    except CurrencyUnknown as error:
        raise answer.fail(str(error)) from None
    return RefundVerdict(
        provider_id=answer.name("id"),
        claim=_REFUND_CLAIMS.get(answer.text("status"), "pending"),
        amount=money,
        refund_id=ours if isinstance(ours, str) else None,
        raw=raw,
        transaction_id=answer.name("transfer"),
    )


def _unknown(answer: Fields) -> bool:
    """Whether it is the sandbox that says so, and not a proxy on the way."""
    return answer.part("error").text("code") == "not_found"


def _refusal(answer: Fields) -> GatewayRefused:
    return GatewayRefused(f"The sandbox says: {answer.part('error').text('message')[:300]}")


def _unusable(detail: str) -> HubError:
    return GatewayUnreachable(f"The sandbox's answer makes no sense: {detail}.")


def _senseless(detail: str) -> HubError:
    return Invalid(f"The sandbox notice is authentic and makes no sense: {detail}.")
