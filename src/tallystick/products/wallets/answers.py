"""The JSON of wallets and top-ups, in the words of the wallet system that they replace."""

from collections.abc import Mapping
from typing import Any, Final

from tallystick.domain.payment import is_final
from tallystick.domain.snapshot import Snapshot
from tallystick.products.wallets.rows import Entry, Spend
from tallystick.products.wallets.rules import TOPUP_STATUS, TopupStatus
from tallystick.web.schema_parts import (
    CURRENCY,
    FLAG,
    INSTANT,
    MINOR,
    MONEY,
    NEXT,
    STANDING,
    TEXT,
    Schema,
    object_,
    one_of,
    or_null,
    ref,
)
from tallystick.web.shapes import checkout, instant

_KINDS: Final[Mapping[str, str]] = {"fulfilment": "topup"}
_TOPUP: Final = {
    **MONEY, **STANDING, **NEXT, "tx_ref": TEXT, "status": one_of(TopupStatus),
    "confirmed_at": or_null(INSTANT), "final": FLAG,
}  # fmt: skip

SCHEMAS: Final[dict[str, Schema]] = {
    "StartedTopup": object_(
        MONEY, txRef=TEXT, tx_ref=TEXT, checkoutUrl=or_null(TEXT), qrCode=or_null(TEXT),
        orderCode={"anyOf": [{"type": "integer"}, TEXT, {"type": "null"}]},
        status=one_of(TopupStatus), expiresAt=INSTANT, clientToken=TEXT, ownerId=TEXT,
        paymentId=TEXT, gateway=or_null(TEXT), checkout=ref("Checkout"),
    ),
    "TopupStatus": object_(_TOPUP),
    "TopupSummary": object_(
        _TOPUP, ownerId=TEXT, paymentId=TEXT, gateway=or_null(TEXT), createdAt=INSTANT
    ),
    "Wallet": object_(
        ownerId=TEXT, balances={"type": "object", "additionalProperties": MINOR}
    ),
    "WalletEntry": object_(
        id=TEXT, type=TEXT, amount={"type": "integer", "description": "Negative: money out."},
        currency=CURRENCY, reference=or_null(TEXT), tx_ref=or_null(TEXT),
        paymentId=or_null(TEXT), createdAt=INSTANT,
    ),
    "Spend": object_(
        MONEY, id=TEXT, ownerId=TEXT, reference=TEXT, balance=MINOR, createdAt=INSTANT
    ),
    "TopupNews": object_(
        MONEY, tx_ref=or_null(TEXT), status=TEXT, ownerId=or_null(TEXT), paymentId=TEXT
    ),
}  # fmt: skip


def started_topup(tx_ref: str, snapshot: Snapshot, token: str) -> dict[str, Any]:
    """What the replaced wallet's clients get when a top-up is started."""
    given = {} if snapshot.attempt is None else snapshot.attempt.checkout
    return {
        "txRef": tx_ref,
        "tx_ref": tx_ref,
        "orderCode": _order_code(snapshot),
        "checkoutUrl": given.get("checkout_url"),
        "qrCode": given.get("qr_code"),
        "amount": snapshot.due.minor,
        "currency": snapshot.due.currency,
        "status": TOPUP_STATUS[snapshot.phase],
        "expiresAt": instant(snapshot.expires_at),
        "clientToken": token,
        "ownerId": snapshot.owner_id,
        "paymentId": snapshot.id,
        "gateway": snapshot.gateway,
        "checkout": checkout(given),
    }


def topup_status(tx_ref: str, snapshot: Snapshot) -> dict[str, Any]:
    """The replaced wallet's status answer, and what its stream tells."""
    return {
        "tx_ref": tx_ref,
        "status": TOPUP_STATUS[snapshot.phase],
        "amount": snapshot.due.minor,
        "currency": snapshot.due.currency,
        "confirmed_at": instant(snapshot.paid_at),
        "received": snapshot.received_minor,
        "amountState": snapshot.amount_state,
        "late": snapshot.late,
        "asOf": instant(snapshot.as_of),
        "nextCheckAt": instant(snapshot.next_check_at),
        "expiresAt": instant(snapshot.expires_at),
        "version": snapshot.version,
        "final": is_final(snapshot.phase),
    }


def topup(tx_ref: str, snapshot: Snapshot) -> dict[str, Any]:
    """A top-up among others: its status, and whose wallet and which payment it is."""
    return {
        **topup_status(tx_ref, snapshot),
        "ownerId": snapshot.owner_id,
        "paymentId": snapshot.id,
        "gateway": snapshot.gateway,
        "createdAt": instant(snapshot.created_at),
    }


def wallet(owner_id: str, balances: Mapping[str, int]) -> dict[str, Any]:
    """What is in a wallet, per currency in minor units."""
    return {"ownerId": owner_id, "balances": dict(sorted(balances.items()))}


def entry(one: Entry) -> dict[str, Any]:
    """One movement of a wallet; `amount` is negative where money went out."""
    return {
        "id": one.id,
        "type": _KINDS.get(one.kind, one.kind),
        "amount": one.change.minor,
        "currency": one.change.currency,
        "reference": one.reference,
        "tx_ref": one.tx_ref,
        "paymentId": one.payment_id,
        "createdAt": instant(one.created_at),
    }


def spent(one: Spend) -> dict[str, Any]:
    """What was taken from a wallet; `balance` is what was left of this currency then."""
    return {
        "id": one.id,
        "ownerId": one.owner_id,
        "amount": one.amount,
        "currency": one.currency,
        "reference": one.reference,
        "balance": one.balance_after,
        "createdAt": instant(one.created_at),
    }


def _order_code(snapshot: Snapshot) -> int | str | None:
    """Our name for the order at the gateway; a number where the gateway has numbers (payOS)."""
    if snapshot.attempt is None:
        return None
    ours = snapshot.attempt.our_ref
    is_number = ours.isascii() and ours.isdigit() and len(ours) < 16 and ours[0] != "0"
    return int(ours) if is_number else ours
