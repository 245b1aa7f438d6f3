"""The ways for a payment's money to go back: through a gateway's API, or by hand."""

from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Connection

from tallystick.domain.payment import Payment
from tallystick.domain.refund import HOLDING, RefundState
from tallystick.flows.hub import Hub
from tallystick.store import receipts, refunds
from tallystick.store.receipts import Received


@dataclass(frozen=True, slots=True)
class Way:
    """One way for money to go back, and how much is left of it in minor units."""

    received: Received
    method: Literal["api", "manual"]
    left: int


def ways(tx: Connection, hub: Hub, payment: Payment, currency: str) -> list[Way]:
    """What is left on each receipt; receipts that go back by hand through one account are one."""
    gone: dict[tuple[str, ...], int] = {}
    found: dict[tuple[str, ...], Way] = {}
    for one in refunds.of_payment(tx, payment.id):
        if one.currency == currency and (
            one.state in HOLDING or one.state is RefundState.SUCCEEDED
        ):
            key = _key(one.method, one.gateway, one.account, one.transaction_id)
            gone[key] = gone.get(key, 0) + one.amount
    for receipt in receipts.of_payment(tx, payment.id, currency):
        method = _method(hub, receipt)
        key = _key(method, receipt.gateway, receipt.account, receipt.transaction_id)
        before = found.get(key, Way(receipt, method, 0))
        found[key] = replace(before, left=before.left + receipt.amount)
    return [
        replace(way, left=left)
        for key, way in found.items()
        if (left := way.left - gone.get(key, 0)) > 0
    ]


def _key(method: str, gateway: str, account: str, transaction_id: str) -> tuple[str, ...]:
    return (gateway, account, transaction_id if method == "api" else "")


def _method(hub: Hub, receipt: Received) -> Literal["api", "manual"]:
    gateway = hub.account(receipt.gateway, receipt.account)
    # Money that a person assigned has no offer by which the gateway could be told.
    asks = gateway is not None and gateway.capabilities.refunds == "api"
    return "api" if asks and receipt.attempt_id is not None else "manual"
