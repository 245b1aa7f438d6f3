"""The JSON of what is sold through payments: top-ups, wallets and tasks."""

from collections.abc import Mapping
from typing import Any, Final

from tallystick.domain.payment import is_final
from tallystick.domain.snapshot import Snapshot
from tallystick.products.tasks.sessions import TaskView
from tallystick.products.wallets.rows import Entry, Spend
from tallystick.products.wallets.rules import TOPUP_STATUS
from tallystick.store.effects import Standing
from tallystick.web.shapes import checkout, instant

_KINDS: Final[Mapping[str, str]] = {"fulfilment": "topup"}
_CALLBACKS: Final[Mapping[str, str]] = {"ready": "pending", "done": "delivered", "dead": "failed"}


def started_topup(tx_ref: str, snapshot: Snapshot, token: str) -> dict[str, Any]:
    """What S4's clients get when a top-up is started."""
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
    """S4's status answer, and what its stream tells."""
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


def task(view: TaskView) -> dict[str, Any]:
    """A task as its merchant sees it."""
    one = view.task
    return {
        "id": one.id,
        "status": view.state,
        "amount": one.amount,
        "currency": one.currency,
        "serviceType": one.service_type,
        "callbackUrl": one.callback_url,
        "reference": one.reference,
        "ownerId": one.owner_id,
        "metadata": dict(one.metadata),
        "paymentId": one.payment_id,
        "session": _session(view),
        "callback": None if view.callback is None else _callback(view.callback),
        "createdAt": instant(one.created_at),
        "updatedAt": instant(one.updated_at),
        "completedAt": instant(one.completed_at),
    }


def own_task(view: TaskView) -> dict[str, Any]:
    """A task as the user sees it whose task it is: none of the merchant's notes."""
    hidden = {"callbackUrl", "callback", "metadata", "reference"}
    return {name: value for name, value in task(view).items() if name not in hidden}


def started_session(task_id: str, snapshot: Snapshot, token: str, base_url: str) -> dict[str, Any]:
    """What the workflow needs to send its user to pay."""
    attempt, link = snapshot.attempt, snapshot.link
    given = {} if attempt is None else attempt.checkout
    page = None if link is None else f"{base_url.rstrip('/')}/pay/{link.short_code}"
    return {
        "taskId": task_id,
        "status": "IN_PROGRESS",
        "gateway": snapshot.gateway,
        "gatewayUrl": given.get("checkout_url") or page,
        "pageUrl": page,
        "referenceNumber": None if attempt is None else attempt.our_ref,
        "expiresAt": instant(snapshot.expires_at),
        "paymentId": snapshot.id,
        "checkout": checkout(given),
        "clientToken": token,
    }


def _session(view: TaskView) -> dict[str, Any] | None:
    """The latest session, or the one that completed the task."""
    shown, session = view.payment, view.session
    if shown is None or session is None:
        return None
    return {
        "paymentId": shown.id,
        "gateway": shown.gateway,
        "referenceNumber": None if shown.attempt is None else shown.attempt.our_ref,
        "phase": shown.phase,
        "paymentError": shown.payment_error,
        "expiresAt": instant(shown.expires_at),
        "number": session.number,
    }


def _callback(standing: Standing) -> dict[str, Any]:
    return {
        "status": _CALLBACKS[standing.state],
        "tries": standing.tries,
        "error": standing.error,
        "nextTryAt": instant(standing.due_at),
        "deliveredAt": instant(standing.done_at),
    }


def _order_code(snapshot: Snapshot) -> int | str | None:
    """Our name for the order at the gateway; a number where the gateway has numbers (payOS)."""
    if snapshot.attempt is None:
        return None
    ours = snapshot.attempt.our_ref
    is_number = ours.isascii() and ours.isdigit() and len(ours) < 16 and ours[0] != "0"
    return int(ours) if is_number else ours
