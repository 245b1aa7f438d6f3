"""A payment as its merchant reads it: the same document in answers and in events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tallystick.domain.snapshot import Snapshot, TransactionPart

_CHECKOUT: Final = {
    "checkoutUrl": "checkout_url",
    "qrCode": "qr_code",
    "bankName": "bank_name",
    "bankBin": "bank_bin",
    "accountNumber": "account_number",
    "accountName": "account_name",
    "transferContent": "transfer_content",
    "vaNumber": "va_number",
    "instructions": "instructions",
}


def instant(value: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds and Z."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def checkout(document: Mapping[str, str]) -> dict[str, Any]:
    """What a payer needs, with null for what this gateway does not give."""
    return {theirs: document.get(ours) for theirs, ours in _CHECKOUT.items()}


def transaction(part: TransactionPart) -> dict[str, Any]:
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


def payment(snapshot: Snapshot) -> dict[str, Any]:
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
