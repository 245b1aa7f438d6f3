"""A payment as its merchant reads it: the same document in answers and in events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import overload

from typing_extensions import TypedDict

from tallystick.domain.answer_types import Amount, Count, Instant, Minor, Notes
from tallystick.domain.payment import AmountState, AttemptState, LatePolicy, Phase, Review
from tallystick.domain.snapshot import MatchMethod, Snapshot, TransactionPart


class CheckoutAnswer(TypedDict):
    """What a payer needs; null is what this gateway does not give."""

    checkoutUrl: str | None
    qrCode: str | None
    bankName: str | None
    bankBin: str | None
    accountNumber: str | None
    accountName: str | None
    transferContent: str | None
    vaNumber: str | None
    instructions: str | None


class TransactionInfoAnswer(Amount):
    """One transfer that came."""

    transactionId: str
    gateway: str
    paidAt: Instant


class TransactionAnswer(TransactionInfoAnswer):
    """One transfer that came, as key holders see it: with which memo, matched how."""

    memo: str | None
    matchMethod: MatchMethod


class AttemptAnswer(TypedDict):
    """The offer at a gateway."""

    id: str
    gateway: str
    state: AttemptState


class Forgiven(TypedDict):
    """How much less than what is due still pays it."""

    amount: Minor


class Standing(TypedDict):
    """How a payment stands, as every answer about one says."""

    amountState: AmountState
    late: bool
    received: Minor
    expiresAt: Instant
    version: Count


class Asked(TypedDict):
    """When the gateway was asked last, and will be asked again."""

    asOf: Instant | None
    nextCheckAt: Instant | None


class PaymentForPayersAnswer(Amount, Standing, Asked):
    """A payment as its payer sees it: no merchant's notes, nobody's identity."""

    id: str
    phase: Phase
    refunded: Minor
    gateway: str | None
    purpose: str
    description: str
    checkout: CheckoutAnswer | None
    returnUrl: str | None
    cancelUrl: str | None
    testMode: bool
    createdAt: Instant
    updatedAt: Instant
    paidAt: Instant | None


class PaymentAnswer(PaymentForPayersAnswer):
    """A payment as its merchant sees it."""

    review: Review | None
    reference: str | None
    ownerId: str | None
    metadata: Notes
    attempt: AttemptAnswer | None
    underpaymentTolerance: Forgiven
    latePolicy: LatePolicy
    transactions: list[TransactionAnswer]


@overload
def instant(value: datetime) -> str: ...
@overload
def instant(value: datetime | None) -> str | None: ...
def instant(value: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds and Z."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def checkout(document: Mapping[str, str]) -> CheckoutAnswer:
    """What a payer needs, with null for what this gateway does not give."""
    given = document.get
    return {
        "checkoutUrl": given("checkout_url"),
        "qrCode": given("qr_code"),
        "bankName": given("bank_name"),
        "bankBin": given("bank_bin"),
        "accountNumber": given("account_number"),
        "accountName": given("account_name"),
        "transferContent": given("transfer_content"),
        "vaNumber": given("va_number"),
        "instructions": given("instructions"),
    }


def transaction(part: TransactionPart) -> TransactionAnswer:
    """One transfer that came, as key holders see it: what, when, with which memo, matched how."""
    return {
        "transactionId": part.transaction_id,
        "gateway": part.gateway,
        "amount": part.amount.minor,
        "currency": part.amount.currency,
        "paidAt": instant(part.paid_at),
        "memo": part.memo or None,
        "matchMethod": part.matched_by,
    }


def payment(snapshot: Snapshot) -> PaymentAnswer:
    """A payment as its merchant sees it."""
    attempt = snapshot.attempt
    return {
        "id": snapshot.id,
        "phase": snapshot.phase,
        "amountState": snapshot.amount_state,
        "late": snapshot.late,
        "review": snapshot.review,
        "amount": snapshot.due.minor,
        "currency": snapshot.due.currency,
        "received": snapshot.received_minor,
        "refunded": snapshot.refunded_minor,
        "gateway": snapshot.gateway,
        "reference": snapshot.reference,
        "purpose": snapshot.purpose,
        "description": snapshot.description,
        "checkout": None if attempt is None else checkout(attempt.checkout),
        "attempt": None
        if attempt is None
        else {"id": attempt.id, "gateway": attempt.gateway, "state": attempt.state},
        "transactions": [transaction(part) for part in snapshot.transactions],
        "ownerId": snapshot.owner_id,
        "returnUrl": snapshot.return_url,
        "cancelUrl": snapshot.cancel_url,
        "metadata": dict(snapshot.metadata),
        "underpaymentTolerance": {"amount": snapshot.tolerance_minor},
        "latePolicy": snapshot.late_policy,
        "testMode": snapshot.test_mode,
        "createdAt": instant(snapshot.created_at),
        "updatedAt": instant(snapshot.updated_at),
        "expiresAt": instant(snapshot.expires_at),
        "paidAt": instant(snapshot.paid_at),
        "asOf": instant(snapshot.as_of),
        "nextCheckAt": instant(snapshot.next_check_at),
        "version": snapshot.version,
    }
