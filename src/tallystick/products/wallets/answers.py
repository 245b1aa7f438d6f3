"""The JSON of wallets and top-ups, in the words of the wallet system that they replace."""

from collections.abc import Mapping
from typing import Annotated, Final

from typing_extensions import TypedDict

from tallystick.domain.answer_types import Amount, Currency, Instant, Minor, Shown
from tallystick.domain.document import Asked, CheckoutAnswer, Standing
from tallystick.domain.payment import is_final
from tallystick.domain.snapshot import Snapshot
from tallystick.products.wallets.deliver import TopupNews
from tallystick.products.wallets.rows import Entry, Spend
from tallystick.products.wallets.rules import TOPUP_STATUS, TopupStatus
from tallystick.web.answer_schemas import Schemas
from tallystick.web.shapes import checkout, instant

_KINDS: Final[Mapping[str, str]] = {"fulfilment": "topup"}


class StartedTopupAnswer(Amount):
    """What the wallet's clients get when a top-up is started."""

    txRef: str
    tx_ref: str
    checkoutUrl: str | None
    qrCode: str | None
    orderCode: int | str | None
    status: TopupStatus
    expiresAt: Instant
    clientToken: str
    ownerId: str
    paymentId: str
    gateway: str | None
    checkout: CheckoutAnswer


class TopupStatusAnswer(Amount, Standing, Asked):
    """The live status of a top-up, and what its stream tells."""

    tx_ref: str
    status: TopupStatus
    confirmed_at: Instant | None
    final: bool


class TopupSummaryAnswer(TopupStatusAnswer):
    """A top-up among others: its status, and whose wallet and which payment it is."""

    ownerId: str
    paymentId: str
    gateway: str | None
    createdAt: Instant


class WalletAnswer(TypedDict):
    """What is in a wallet, per currency."""

    ownerId: str
    balances: dict[str, Minor]


class WalletEntryAnswer(TypedDict):
    """One movement of a wallet."""

    id: str
    type: str
    amount: Annotated[int, Shown(description="Negative: money out.")]
    currency: Currency
    reference: str | None
    tx_ref: str | None
    paymentId: str | None
    createdAt: Instant


class SpendAnswer(Amount):
    """What was taken from a wallet; `balance` is what was left of this currency then."""

    id: str
    ownerId: str
    reference: str
    balance: Minor
    createdAt: Instant


SCHEMAS: Final = Schemas(
    StartedTopupAnswer, TopupStatusAnswer, TopupSummaryAnswer, WalletAnswer, WalletEntryAnswer,
    SpendAnswer, TopupNews,
)  # fmt: skip


def started_topup(tx_ref: str, snapshot: Snapshot, token: str) -> StartedTopupAnswer:
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
        "ownerId": _owner(snapshot),
        "paymentId": snapshot.id,
        "gateway": snapshot.gateway,
        "checkout": checkout(given),
    }


def topup_status(tx_ref: str, snapshot: Snapshot) -> TopupStatusAnswer:
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


def topup(tx_ref: str, snapshot: Snapshot) -> TopupSummaryAnswer:
    """A top-up among others: its status, and whose wallet and which payment it is."""
    return {
        **topup_status(tx_ref, snapshot),
        "ownerId": _owner(snapshot),
        "paymentId": snapshot.id,
        "gateway": snapshot.gateway,
        "createdAt": instant(snapshot.created_at),
    }


def wallet(owner_id: str, balances: Mapping[str, int]) -> WalletAnswer:
    """What is in a wallet, per currency in minor units."""
    return {"ownerId": owner_id, "balances": dict(sorted(balances.items()))}


def entry(one: Entry) -> WalletEntryAnswer:
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


def spent(one: Spend) -> SpendAnswer:
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


def _owner(snapshot: Snapshot) -> str:
    assert snapshot.owner_id is not None  # noqa: S101 - a top-up is of somebody's wallet
    return snapshot.owner_id


def _order_code(snapshot: Snapshot) -> int | str | None:
    """Our name for the order at the gateway; a number where the gateway has numbers (payOS)."""
    if snapshot.attempt is None:
        return None
    ours = snapshot.attempt.our_ref
    is_number = ours.isascii() and ours.isdigit() and len(ours) < 16 and ours[0] != "0"
    return int(ours) if is_number else ours
