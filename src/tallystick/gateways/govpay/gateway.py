"""The gateway "govpay": nothing is called, everything is answered.

Sources: OpenNSW/nsw (3d432588), OpenNSW/core payment (0c798fb2), OpenNSW/nsw-srilanka
external-integration/payment/govpay (a9f99a64) and Aravinda-HWK/govpay-integration-test
(f6161ae9), all of 2026. The specification of GovPay+ itself is not public.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from tallystick.domain.credit import Credit
from tallystick.domain.errors import (
    AmountInvalid,
    Conflict,
    GatewayRefused,
    GatewayUnavailable,
    HubError,
    Invalid,
    NotConfigured,
    NotFound,
    NoticeNotAuthentic,
    Refused,
    Unauthenticated,
)
from tallystick.domain.evidence import Claim, Trust
from tallystick.domain.fields import Fields
from tallystick.domain.ids import CROCKFORD
from tallystick.domain.money import Money
from tallystick.gateways.base import (
    Answer,
    AttemptRef,
    Capabilities,
    Checkout,
    CheckoutOrder,
    Notice,
    Question,
    RawNotice,
    Standing,
    Verdict,
)
from tallystick.gateways.govpay import callers, calls, forms
from tallystick.gateways.govpay.calls import Call, Item

_SRI_LANKA: Final = timezone(timedelta(hours=5, minutes=30))
_CLAIMS: Final = {
    **dict.fromkeys(("SUCCESS", "PAID", "COMPLETED"), Claim.SUCCEEDED),
    **dict.fromkeys(("FAILED", "DECLINED", "REJECTED"), Claim.FAILED),
    **dict.fromkeys(("PENDING", "INITIATED"), Claim.PENDING),
}
_NOT_PAYABLE: Final = (
    "payment already completed, expired, or otherwise not payable for this reference number"
)
_CODES: Final[tuple[tuple[type[HubError], int, str], ...]] = (
    (Unauthenticated, 401, "unauthorized"),
    (NotFound, 404, "invalid_reference"),
    (Conflict, 409, "not_payable"),
    (Refused, 400, "bad_request"),
    (NotConfigured, 500, "configuration_error"),
)


@dataclass(frozen=True, slots=True)
class GovPayAccount:
    """One service of one institution, and what GovPay+ proves itself by.

    Any of the transaction keys is accepted (rotation). Without an inquiry key nobody may inquire.
    """

    client_id: str
    client_secret: str
    transaction_key: tuple[str, ...]
    subinst_id: str
    service_id: str
    inquiry_key: str = ""


class GovPay:
    """The gateway "govpay". It is also a Desk: GovPay+ asks before it moves money."""

    name = "govpay"
    capabilities = Capabilities(
        title="GovPay+ (LankaPay)",
        currencies=frozenset({"LKR"}),
        # There is no API to ask: the authenticated push is all the proof that there is.
        verifies=Trust.SIGNED,
        refunds="manual",
        cancels=False,
        listens_for=timedelta(hours=72),
        # The amount's field in the bank app has 13 characters.
        largest_minor=999_999_999_999,
        hears_outcome=True,
    )
    desk_paths: Mapping[str, str] = {
        "/api/govpayplus/v1.0/generatetoken": "token",
        "/api/govpayplus/v1.0/presentment": "presentment",
        "/api/v1/payments/govpay/validate": "presentment",
        # A notice: to be received like one at the webhook's address, and refused by `refuse`.
        "/api/govpayplus/v1.0/update": "notice",
        "/api/v1/payments/govpay/webhook": "notice",
        "/api/v1/payments/lankapay/callback": "notice",
    }

    def __init__(self, account: GovPayAccount) -> None:
        needed = (
            account.client_id, account.client_secret, account.subinst_id, account.service_id,
            account.transaction_key, *account.transaction_key,
        )  # fmt: skip
        if not all(needed):
            raise NotConfigured(
                "GovPay+ needs a client id and secret, a transaction key, and the ids of the "
                "sub-institution and the service."
            )
        self.account = f"{account.subinst_id}/{account.service_id}"
        self._settings = account

    def new_ref(self, now: datetime) -> str:
        """`TS` and ten random letters and digits, without those that are easily mistaken.

        A person types it into a bank app; GovPay+ takes 20 characters.
        """
        return "TS" + "".join(secrets.choice(CROCKFORD) for _ in range(10))

    async def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Nothing is called: the offer is the reference number. Raises GatewayRefused."""
        if not self.capabilities.takes(order.amount):
            raise GatewayRefused(f"GovPay+ does not take {order.amount}.")
        return Checkout(
            transfer_content=order.our_ref,
            instructions=(
                "Open your bank's app or online banking and choose GovPay. Choose our institution "
                f"and service, type the reference number {order.our_ref}, check that the amount is "
                f"{order.amount}, and pay."
            ),
        )

    def read_notice(self, raw: RawNotice) -> Notice:
        """One update: authentic by token, transaction key, institution and service together."""
        if not raw.proven:
            self._check(raw, raw.received_at)
        body = calls.document(raw.body)
        if "reference_number" in body:
            return self._callback(body, raw.received_at)
        call = calls.read(body)
        if not self._ours(call):
            raise NoticeNotAuthentic("The update is for another institution or service.")
        told = {
            "status": call.value("status", "paymentstatus"),
            "amount": call.value("amount"),
            "currency": call.value("currency"),
            "transaction": call.value("gatewaytransactionid") or call.transaction_id,
            "timestamp": call.value("timestamp"),
        }
        return self._notice(call.reference(), told, raw.received_at, _context(call))

    def acknowledge(self, notice: Notice, standing: Standing | None = None) -> Answer:
        """The receipt, also for a repeat; a reference that we do not know gets none.

        Money is recorded whatever is answered: what GovPay+ moved is never refused.
        """
        if notice.unreadable:
            return forms.said({"status": "accepted"})
        if standing is None:
            return forms.refusal(404, "invalid_reference", "invalid reference number")
        if not standing.agrees:
            words = f"{forms.plain(standing.due)} {standing.due.currency} was due"
            return forms.refusal(422, "amount_mismatch", words)
        if "items" not in notice.context:
            return forms.said({"status": "accepted"})
        return forms.receipt(notice.context["items"], notice.context)

    async def fetch_verdict(self, attempt: AttemptRef) -> Verdict:
        """There is nobody to ask. Raises GatewayUnavailable."""
        raise GatewayUnavailable("GovPay+ has no API to ask; it tells us, and that is all.")

    async def cancel(self, attempt: AttemptRef, reason: str) -> None:
        """Nothing stands at GovPay+; we say "not payable" when it asks. Raises GatewayRefused."""
        raise GatewayRefused("GovPay+ keeps no offer that could be taken back.")

    def read_question(self, operation: str, raw: RawNotice, now: datetime) -> Question:
        """A token is asked for, or what is due for a reference number."""
        if operation == "token":
            one = self._settings
            callers.check_client(raw.headers, raw.body, one.client_id, one.client_secret)
            fresh = callers.issue(one.client_id, one.client_secret, now)
            return Question(operation, None, {"token": fresh})
        if operation != "presentment":
            raise NotFound("GovPay+ has no such question.")
        self._check(raw, now)
        call = calls.read(calls.document(raw.body))
        if not self._ours(call):
            raise NotFound("invalid reference number")
        if len(call.items) != 1:
            raise Invalid("data has exactly one value, refNo.")
        return Question(operation, call.reference(), _context(call))

    def answer_question(self, question: Question, standing: Standing | None) -> Answer:
        """The token, or the fields that the bank app shows."""
        if question.operation == "token":
            life_s = int(callers.LIFE.total_seconds())
            return forms.token(str(question.context["token"]), life_s)
        if question.ref is None or standing is None:
            return self.refuse(NotFound("invalid reference number"))
        if not standing.payable:
            return self.refuse(Conflict(_NOT_PAYABLE))
        return forms.presentment(question.ref, standing.due, question.context)

    def refuse(self, error: HubError) -> Answer:
        """The statuses and codes that GovPay+ knows; all that is ours to mend is a 500."""
        for kind, status, code in _CODES:
            if isinstance(error, kind):
                return forms.refusal(status, code, error.detail)
        return forms.refusal(500, "temporarily_unavailable", "try again later")

    def may_inquire(self, key: str) -> bool:
        """Whether an `X-API-Key` opens the inquiry; never where none is set."""
        ours = self._settings.inquiry_key
        given = key.encode("utf-8", "replace")
        return bool(ours) and secrets.compare_digest(ours.encode(), given)

    def inquiry(self, standing: Standing | None) -> Answer:
        """How an offer stands, for whoever holds the inquiry key."""
        if standing is None:
            return self.refuse(NotFound("invalid reference number"))
        remarks = "paid" if standing.paid else "payable" if standing.payable else "not payable"
        return forms.said({
            "paymentReference": standing.our_ref,
            "amount": standing.due.major(),
            "currency": standing.due.currency,
            "description": standing.description,
            "isPayable": standing.payable,
            "isPaid": standing.paid,
            "remarks": remarks,
        })  # fmt: skip

    def _check(self, raw: RawNotice, now: datetime) -> None:
        one = self._settings
        callers.check_token(raw.headers, one.client_id, one.client_secret, now)
        callers.check_transaction_key(raw.headers, one.transaction_key)

    def _ours(self, call: Call) -> bool:
        ids = (call.institution, call.service)
        return ids == (self._settings.subinst_id, self._settings.service_id)

    def _callback(self, body: Mapping[str, object], received_at: datetime) -> Notice:
        """The older form, of the redirect variant: one flat object."""
        told = {
            name: "" if body.get(field) is None else calls.text_of(body[field]).strip()
            for name, field in (
                ("status", "status"), ("amount", "amount"), ("currency", "currency"),
                ("transaction", "gateway_transaction_id"), ("timestamp", "timestamp"),
            )
        }  # fmt: skip
        item = Item("1", "refNo", calls.text_of(body["reference_number"]), numeric=False)
        reference = Call("", "", "", "", (item,)).reference()
        return self._notice(reference, told, received_at, {})

    def _notice(
        self,
        reference: str,
        told: Mapping[str, str],
        received_at: datetime,
        context: Mapping[str, object],
    ) -> Notice:
        claim = _CLAIMS.get(told["status"].upper())
        if claim is None:
            raise Invalid("The status is missing or not one that we know.")
        credit = self._credit(told, received_at) if claim is Claim.SUCCEEDED else None
        parts = (reference, told["transaction"], claim, told["amount"], told["currency"])
        return Notice(
            event_id=":".join(parts),
            refs=(reference,),
            claim=claim,
            credits=() if credit is None else (credit,),
            context=context,
        )

    def _credit(self, told: Mapping[str, str], received_at: datetime) -> Credit:
        """Money is counted by the gateway's own transaction id, exactly, and never as a float."""
        fields = Fields(told, Invalid)
        transaction = fields.name("transaction")
        money = Money.parse(told["amount"], told["currency"].upper())
        if money.minor <= 0:
            raise AmountInvalid("amount is not above 0.")
        at = fields.moment("timestamp", _SRI_LANKA) if told["timestamp"] else received_at
        return Credit(
            self.name, self.account, transaction, money.minor, money.currency, min(at, received_at)
        )


def _context(call: Call) -> dict[str, object]:
    return {
        "transactionID": call.transaction_id,
        "subinstId": call.institution,
        "serviceid": call.service,
        "serviceName": call.service_name,
        "items": call.items,
    }
